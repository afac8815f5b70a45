// Asks the vantage points of a monitor for their checkpoints: services and mirrors, which have tiles, and witnesses, which have notes alone.
import type { ReadPath } from "../../log/maintenance/recover.ts";
import { FileError } from "../../node/file-error.ts";
import { nativeSha256 } from "../../node/sha256.ts";
import { encodeHex } from "../../protocol/encoding/hex.ts";
import { decodeUtf8, utf8 } from "../../protocol/encoding/text.ts";
import type { TrustRoot } from "../../protocol/entry/trust-root.ts";
import { MalformedError, VerificationError } from "../../protocol/errors.ts";
import { parseTlogPolicy } from "../../protocol/note/tlog-policy.ts";
import { RefusedError, UnreachableError } from "../../verifier/service-errors.ts";
import { WrongAnswerError } from "../audit-finding.ts";
import { openLogNote } from "../log-note.ts";
import { openSource, type SourceOptions } from "../log-source.ts";
import { readShown, type ShownCheckpoint } from "../shown-checkpoint.ts";
import { type Finding, outageOf } from "./finding.ts";

export interface VantagePoint {
  /** What findings and metrics call it: its URL as it was given. */
  readonly name: string;
  readonly read: ReadPath;
  /** Whether it serves the tree, and not its checkpoints alone. */
  readonly hasTiles: boolean;
}

/** A service, a mirror or a mirror's folder. */
export function logVantage(url: string, options: SourceOptions): VantagePoint {
  return { name: url, read: openSource(url, options), hasTiles: true };
}

/** The monitoring prefix of a witness (C2SP tlog-witness): `<prefix>/<hex SHA-256 of the origin>/checkpoint`. */
export function witnessVantage(url: string, origin: string, options: SourceOptions): VantagePoint {
  const prefix = `${url.replace(/\/+$/, "")}/${encodeHex(nativeSha256(utf8(origin)))}`;
  return { name: url, read: openSource(prefix, options), hasTiles: false };
}

/** What a vantage point says now. */
export interface Sighting {
  readonly vantage: VantagePoint;
  /** Signed by the log; null where there is nothing of the kind. */
  readonly shown: ShownCheckpoint | null;
  readonly findings: readonly Finding[];
  /** Milliseconds that the answer took. */
  readonly tookMs: number;
}

export interface AskOptions {
  /** Size of the newest tree that a vantage point has shown with a quorum. */
  readonly seenBy: (vantage: string) => number | undefined;
  readonly origin: string;
  /** Every trust root that is known: a log's key may be in any of them. */
  readonly roots: readonly TrustRoot[];
  /** An answer that takes longer is slow, milliseconds. */
  readonly slowMs: number;
  /** Milliseconds of a clock that never jumps. */
  readonly ticks: () => number;
}

/** Never throws for what others do. */
export async function askVantage(vantage: VantagePoint, options: AskOptions): Promise<Sighting> {
  const begun = options.ticks();
  const failure = (code: string, message: string) => outageOf(vantage.name, code, message);
  try {
    const bytes = await vantage.read("checkpoint", options.seenBy(vantage.name));
    const tookMs = options.ticks() - begun;
    const slow = failure("slow", `the checkpoint took ${Math.round(tookMs)} ms`);
    const findings = tookMs > options.slowMs ? [slow] : [];
    if (bytes === undefined)
      return {
        vantage,
        shown: null,
        findings: [failure("no-log", "there is no checkpoint of this log")],
        tookMs,
      };
    const { shown, problem } = await judgeNote(bytes, vantage, options, failure);
    return { vantage, shown, findings: problem === null ? findings : [...findings, problem], tookMs };
  } catch (error) {
    return { vantage, shown: null, findings: [failureOf(error, failure)], tookMs: options.ticks() - begun };
  }
}

/** What kept an answer away. @throws every error that is not about the vantage point. */
export function failureOf(error: unknown, failure: (code: string, message: string) => Finding): Finding {
  if (error instanceof UnreachableError) return failure("unreachable", error.message);
  if (error instanceof RefusedError) return failure(`http-${error.status}`, error.message);
  if (error instanceof WrongAnswerError || error instanceof FileError)
    return failure("unusable-answer", error.message);
  throw error;
}

async function judgeNote(
  bytes: Uint8Array,
  vantage: VantagePoint,
  { origin, roots }: AskOptions,
  failure: (code: string, message: string) => Finding,
): Promise<{ shown: ShownCheckpoint | null; problem: Finding | null }> {
  const shown = readNote(bytes);
  // A page of a proxy, or of a hotel's network, is no word of the log's.
  if (shown === null)
    return { shown: null, problem: failure("no-checkpoint", "what it answers is no checkpoint") };
  if (shown.origin !== origin)
    return {
      shown: null,
      problem: failure("other-log", `it shows a checkpoint of ${shown.origin}, not of ${origin}`),
    };
  if (await isSigned(shown.note, roots)) return { shown, problem: null };
  const problem: Finding = {
    class: "tamper",
    code: "log-signature",
    subject: vantage.name,
    instance: encodeHex(nativeSha256(bytes)).slice(0, 16),
    message: `${vantage.name}: a checkpoint of size ${shown.size}, root ${encodeHex(shown.root)}, which the log's key has not signed`,
  };
  return { shown: null, problem };
}

function readNote(bytes: Uint8Array): ShownCheckpoint | null {
  try {
    return readShown(decodeUtf8(bytes));
  } catch (error) {
    if (error instanceof MalformedError) return null;
    throw error;
  }
}

async function isSigned(note: string, roots: readonly TrustRoot[]): Promise<boolean> {
  for (const { logPolicy } of roots) {
    try {
      await openLogNote(note, parseTlogPolicy(logPolicy));
      return true;
    } catch (error) {
      if (!(error instanceof VerificationError)) throw error;
    }
  }
  return false;
}
