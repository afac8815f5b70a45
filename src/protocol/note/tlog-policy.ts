// Reads which log keys to accept and which witnesses must have cosigned: C2SP tlog-policy.

import { encodeBase64 } from "../encoding/base64.ts";
import { decodeUtf8 } from "../encoding/text.ts";
import { MalformedError } from "../errors.ts";
import {
  COSIGNATURE_ED25519,
  COSIGNATURE_ML_DSA_44,
  ED25519,
  type NoteKeyType,
  parseVerifierKey,
  sameVerifierKey,
  type VerifierKey,
} from "./key.ts";

const FORMAT = "tlog-policy";
/** Room for 64 ML-DSA-44 keys. */
export const MAX_POLICY_BYTES = 131_072;
// biome-ignore lint/suspicious/noControlCharactersInRegex: the only control characters allowed are tab and newline.
const FORBIDDEN = /[\u0000-\u0008\u000b-\u001f\u007f\p{Surrogate}]/u;

const LOG_KEY_TYPES: readonly NoteKeyType[] = [ED25519, COSIGNATURE_ML_DSA_44];
const WITNESS_KEY_TYPES: readonly NoteKeyType[] = [COSIGNATURE_ED25519, COSIGNATURE_ML_DSA_44];

export interface PolicyLog {
  /** Its name is the log's origin. Type 0x01 or 0x06. */
  readonly key: VerifierKey;
  readonly url: string | undefined;
}

export interface PolicyWitness {
  /** What groups and the quorum call it; its key has a name of its own. */
  readonly name: string;
  /** Type 0x04 or 0x06. */
  readonly key: VerifierKey;
  readonly url: string | undefined;
}

/** Witnesses a checkpoint if at least `threshold` of its members do. */
export interface PolicyGroup {
  readonly name: string;
  readonly threshold: number;
  /** Names of witnesses and groups on lines before it. */
  readonly members: readonly string[];
}

/**
 * @example
 * ```ts
 * import type { TlogPolicy } from "touchstone/protocol";
 * const isUnwitnessed = ({ quorum }: TlogPolicy): boolean => quorum === "none";
 * ```
 */
export interface TlogPolicy {
  /** A signature of any one of them is enough. */
  readonly logs: readonly PolicyLog[];
  readonly witnesses: readonly PolicyWitness[];
  readonly groups: readonly PolicyGroup[];
  /** The name of a witness or a group, or `none`. */
  readonly quorum: string;
}

/**
 * Reads the text of a policy strictly: comments only on lines of their own, every line ended by a newline, no key twice in a role
 * (whatever its name), no name twice in a group. Only UTF-8 is read, where the specification allows any octets in names.
 * @throws MalformedError with the line at fault, or about the key.
 * @example
 * ```ts
 * import { parseTlogPolicy } from "touchstone/protocol";
 * const witnessesOf = (text: string): string[] => parseTlogPolicy(text).witnesses.map(({ name }) => name);
 * ```
 */
export function parseTlogPolicy(input: Uint8Array | string): TlogPolicy {
  if (input.length > MAX_POLICY_BYTES)
    throw new MalformedError(FORMAT, `longer than ${MAX_POLICY_BYTES} bytes`);
  const text = typeof input === "string" ? input : decodeUtf8(input);
  if (FORBIDDEN.test(text)) throw new MalformedError(FORMAT, "holds a control character or a lone surrogate");
  if (!text.endsWith("\n")) throw new MalformedError(FORMAT, "the last line has no newline");
  const builder = new PolicyBuilder();
  text.split("\n").forEach((line, i) => {
    const items = line.split(/[ \t]+/).filter((item) => item !== "");
    if (items[0] !== undefined && !items[0].startsWith("#")) builder.add(items, i + 1);
  });
  return builder.finish();
}

/** Each key of a policy once, also where a log's key is a witness' too, which the specification discourages but allows. */
export function keysOf({ logs, witnesses }: TlogPolicy): VerifierKey[] {
  const keys = [...logs, ...witnesses].map(({ key }) => key);
  return keys.filter((key, i) => keys.findIndex((other) => sameVerifierKey(key, other)) === i);
}

/** The Ed25519 log key of a trust root's policy, with which the log signs every checkpoint. */
export function logKeyOf(logPolicy: string): VerifierKey {
  const log = parseTlogPolicy(logPolicy).logs.find(({ key }) => key.type === ED25519);
  if (log === undefined) throw new Error("the trust root names no log key");
  return log.key;
}

/** Whether ML-DSA-44 keys decide anything under a policy: a witness that its quorum counts has one, or no log has any other. */
export function needsMlDsa44({ logs, witnesses, groups, quorum }: TlogPolicy): boolean {
  const counted = new Set([quorum]);
  // Groups stand behind their members, so one pass from the end finds all that the quorum counts.
  for (const { name, members } of groups.toReversed())
    if (counted.has(name)) for (const member of members) counted.add(member);
  const isMlDsa = ({ key }: { readonly key: VerifierKey }) => key.type === COSIGNATURE_ML_DSA_44;
  return logs.every(isMlDsa) || witnesses.some((witness) => isMlDsa(witness) && counted.has(witness.name));
}

class PolicyBuilder {
  readonly #logs: PolicyLog[] = [];
  readonly #witnesses: PolicyWitness[] = [];
  readonly #groups: PolicyGroup[] = [];
  readonly #defined = new Set<string>();
  readonly #members = new Set<string>();
  #quorum: string | undefined;

  add([keyword, ...items]: readonly string[], line: number): void {
    if (keyword === "log") this.#addLog(items, line);
    else if (keyword === "witness") this.#addWitness(items, line);
    else if (keyword === "group") this.#addGroup(items, line);
    else if (keyword === "quorum") this.#setQuorum(items, line);
    else fail("expected log, witness, group or quorum", line);
  }

  finish(): TlogPolicy {
    if (this.#quorum === undefined) throw new MalformedError(FORMAT, "no quorum line");
    return { logs: this.#logs, witnesses: this.#witnesses, groups: this.#groups, quorum: this.#quorum };
  }

  #addLog([vkey, url, ...rest]: readonly string[], line: number): void {
    if (vkey === undefined || rest.length > 0) fail("expected 'log <vkey> [<url>]'", line);
    this.#logs.push({ key: newKey(vkey, LOG_KEY_TYPES, this.#logs, line), url });
  }

  #addWitness([name, vkey, url, ...rest]: readonly string[], line: number): void {
    if (name === undefined || vkey === undefined || rest.length > 0) {
      fail("expected 'witness <name> <vkey> [<url>]'", line);
    }
    const key = newKey(vkey, WITNESS_KEY_TYPES, this.#witnesses, line);
    this.#define(name, line);
    this.#witnesses.push({ name, key, url });
  }

  #addGroup([name, rule, ...members]: readonly string[], line: number): void {
    if (name === undefined || rule === undefined || members.length === 0) {
      fail("expected 'group <name> all|any|<k> <name>…'", line);
    }
    for (const member of members) {
      if (!this.#defined.has(member)) fail(`${member} is not defined on a line before`, line);
      if (this.#members.has(member)) fail(`${member} is already a member of a group`, line);
      this.#members.add(member);
    }
    this.#define(name, line);
    this.#groups.push({ name, threshold: thresholdOf(rule, members.length, line), members });
  }

  #setQuorum([name, ...rest]: readonly string[], line: number): void {
    if (name === undefined || rest.length > 0) fail("expected 'quorum <name>'", line);
    if (this.#quorum !== undefined) fail("a second quorum line", line);
    if (name !== "none" && !this.#defined.has(name)) fail(`${name} is not defined on a line before`, line);
    this.#quorum = name;
  }

  #define(name: string, line: number): void {
    if (name === "none") fail("'none' cannot be defined", line);
    if (this.#defined.has(name)) fail(`${name} is already defined`, line);
    this.#defined.add(name);
  }
}

function newKey(
  vkey: string,
  types: readonly NoteKeyType[],
  known: ReadonlyArray<{ readonly key: VerifierKey }>,
  line: number,
): VerifierKey {
  const key = parseVerifierKey(vkey);
  if (!types.includes(key.type)) fail("the key is of a type that cannot sign in this role", line);
  const same = encodeBase64(key.publicKey);
  // Two names for one key would let one witness count twice.
  if (known.some((other) => encodeBase64(other.key.publicKey) === same))
    fail("the key is already listed", line);
  return key;
}

function thresholdOf(rule: string, members: number, line: number): number {
  if (rule === "any") return 1;
  if (rule === "all") return members;
  const threshold = /^[1-9][0-9]{0,3}$/.test(rule) ? Number(rule) : 0;
  if (threshold < 1 || threshold > members) fail(`the threshold is not between 1 and ${members}`, line);
  return threshold;
}

function fail(detail: string, line: number): never {
  throw new MalformedError(FORMAT, detail, `line ${line}`);
}

/**
 * Whether the witnesses whose cosignatures were verified are enough.
 * @param verified keys of witnesses; keys that the policy does not list count for nothing.
 */
export function isQuorumMet(policy: TlogPolicy, verified: readonly VerifierKey[]): boolean {
  if (policy.quorum === "none") return true;
  const witnessing = new Set(
    policy.witnesses
      .filter(({ key }) => verified.some((k) => sameVerifierKey(k, key)))
      .map(({ name }) => name),
  );
  // Groups stand behind their members, so one pass decides them all.
  for (const { name, threshold, members } of policy.groups) {
    if (members.filter((member) => witnessing.has(member)).length >= threshold) witnessing.add(name);
  }
  return witnessing.has(policy.quorum);
}
