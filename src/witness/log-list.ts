// Reads lists of logs that a witness may cosign, in the format of the public witness network (witness-network.org, log-list-format): a
// line `logs/v0`, then for each log `vkey`, and perhaps `origin`, `bastion`, `qpd` and `contact`.
import { MalformedError } from "../protocol/errors.ts";
import {
  COSIGNATURE_ED25519,
  parseVerifierKey,
  sameVerifierKey,
  type VerifierKey,
} from "../protocol/note/key.ts";
import { requireKeyName } from "../protocol/note/key-name.ts";

const FORMAT = "log list";
const HEADER = "logs/v0";
const MAX_LIST_CHARACTERS = 32 * 1024 * 1024;
const FIELDS = ["origin", "bastion", "qpd", "contact"] as const;

/** A log whose checkpoints may be cosigned. */
export interface KnownLog {
  readonly origin: string;
  /** A signature of any of them is enough. */
  readonly keys: readonly VerifierKey[];
  /** Checkpoints that it may have cosigned in a day; undefined where its list does not say. */
  readonly perDay: number | undefined;
}

/**
 * Reads a list. A log with several keys, such as one of Ed25519 and one of ML-DSA-44, stands in it once for each.
 * @throws MalformedError with the line at fault.
 */
export function parseLogList(text: string): KnownLog[] {
  if (text.length > MAX_LIST_CHARACTERS)
    throw new MalformedError(FORMAT, `longer than ${MAX_LIST_CHARACTERS} characters`);
  const lines = text
    .split("\n")
    .map((line, i) => ({ text: line.trimEnd(), at: `line ${i + 1}` }))
    .filter((line) => line.text !== "" && !line.text.startsWith("#"));
  const [header, ...items] = lines;
  if (header?.text !== HEADER) throw new MalformedError(FORMAT, `expected ${HEADER}`, header?.at ?? "line 1");
  return mergeLogs(readLogs(items));
}

interface Line {
  readonly text: string;
  readonly at: string;
}

function readLogs(lines: readonly Line[]): KnownLog[] {
  const logs: Array<Record<string, string>> = [];
  const begins: string[] = [];
  for (const { text, at } of lines) {
    const [, field = "", value = ""] = /^([a-z]+) (\S.*)$/.exec(text) ?? [];
    if (field === "vkey") {
      logs.push({ vkey: value });
      begins.push(at);
      continue;
    }
    const log = logs.at(-1);
    if (log === undefined || !FIELDS.some((name) => name === field) || Object.hasOwn(log, field))
      throw new MalformedError(FORMAT, `expected vkey, or ${FIELDS.join(", ")} once for each log`, at);
    log[field] = value;
  }
  return logs.map((log, i) => readLog(log, begins[i] ?? ""));
}

function readLog(
  { vkey = "", origin = "none", qpd }: Readonly<Record<string, string>>,
  at: string,
): KnownLog {
  const key = parseKey(vkey, at);
  const name = origin === "none" ? key.name : origin;
  requireKeyName(name, FORMAT, at);
  if (qpd !== undefined && !/^[1-9][0-9]{0,9}$/.test(qpd))
    throw new MalformedError(FORMAT, "qpd is a number of requests a day", at);
  return { origin: name, keys: [key], perDay: qpd === undefined ? undefined : Number(qpd) };
}

function parseKey(vkey: string, at: string): VerifierKey {
  let key: VerifierKey;
  try {
    key = parseVerifierKey(vkey);
  } catch (error) {
    throw error instanceof MalformedError ? new MalformedError(FORMAT, error.detail, at) : error;
  }
  if (key.type === COSIGNATURE_ED25519)
    throw new MalformedError(FORMAT, "a cosignature key (0x04) cannot sign as a log", at);
  return key;
}

/** One log for each origin, with the keys of all. */
export function mergeLogs(logs: readonly KnownLog[]): KnownLog[] {
  const merged = new Map<string, KnownLog>();
  for (const log of logs) {
    const known = merged.get(log.origin);
    merged.set(log.origin, known === undefined ? log : join(known, log));
  }
  return [...merged.values()];
}

function join(a: KnownLog, b: KnownLog): KnownLog {
  const added = b.keys.filter((key) => !a.keys.some((known) => sameVerifierKey(known, key)));
  const perDay = Math.max(a.perDay ?? 0, b.perDay ?? 0) || undefined;
  return { origin: a.origin, keys: [...a.keys, ...added], perDay };
}
