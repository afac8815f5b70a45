// Gathers cosignatures. Slow witnesses delay nothing once the trust root's quorum is met; what they give later is added.

import { witnessVerifier } from "../../node/ed25519.ts";
import type { TrustRoot } from "../../protocol/entry/trust-root.ts";
import { splitTimestamp } from "../../protocol/note/cosignature.ts";
import { type Cosignature, timeOfQuorum } from "../../protocol/note/cosigned-checkpoint.ts";
import type { VerifierKey } from "../../protocol/note/key.ts";
import {
  type NoteSignature,
  type NoteVerifier,
  openNote,
  parseNote,
} from "../../protocol/note/signed-note.ts";
import { type PolicyWitness, parseTlogPolicy, type TlogPolicy } from "../../protocol/note/tlog-policy.ts";
import { isAheadOfClock } from "../../protocol/registration/document-times.ts";
import type { Logger } from "../observer.ts";
import { type Cosigner, type CosignRequest, LogBehindError } from "./cosigner.ts";

/** The quorum of a trust root, with its keys imported. */
export interface Quorum {
  readonly policy: TlogPolicy;
  readonly verifiers: readonly NoteVerifier[];
  /** Names of cosigners of which the log has said that this trust root does not name them. */
  readonly unnamed: Set<string>;
}

export async function quorumOf(root: TrustRoot): Promise<Quorum> {
  const policy = parseTlogPolicy(root.logPolicy);
  const verifiers = await Promise.all(policy.witnesses.map(({ key }) => witnessVerifier(key)));
  return { policy, verifiers, unnamed: new Set() };
}

/** Whether these witnesses would be a quorum, had they cosigned. */
export function isQuorumOf(policy: TlogPolicy, counts: (witness: PolicyWitness) => boolean): boolean {
  if (policy.quorum === "none") return true;
  const cosignatures = policy.witnesses
    .filter(counts)
    .map(({ key: { name, keyId } }) => ({ name, keyId, timestamp: 1 }));
  return timeOfQuorum(policy, cosignatures) !== null;
}

/** Cosignatures that meet the quorum. */
export interface Cosigned {
  readonly signatures: readonly NoteSignature[];
  /** POSIX seconds, as of `timeOfQuorum`. */
  readonly cosignedAt: number;
}

/** Everybody who was asked has answered, or the time is up, and the quorum is not met. The message says who is missing. */
export class QuorumNotMetError extends Error {
  override readonly name = "QuorumNotMetError";
}

/**
 * Asks all cosigners at once. The first value comes as soon as the quorum is met by
 * cosignatures that are not ahead of the clock; each later one has what came in since, until all have
 * answered or the signal is raised.
 * @throws LogBehindError from any of them; QuorumNotMetError.
 */
export async function* gatherCosignatures(
  cosigners: readonly Cosigner[],
  request: CosignRequest,
  quorum: Quorum,
  signal: AbortSignal,
  { logger, clock }: { readonly logger: Logger; readonly clock: () => Date },
): AsyncGenerator<Cosigned, void> {
  const verified: NoteSignature[] = [];
  const timeUp = new Promise<null>((resolve) => {
    if (signal.aborted) resolve(null);
    else signal.addEventListener("abort", () => resolve(null), { once: true });
  });
  const asked = new Map(
    cosigners.map((cosigner) => [cosigner, ask(cosigner, request, quorum, signal, logger)]),
  );
  // Nobody may be listening any more when one of them fails.
  for (const answer of asked.values()) answer.catch(() => undefined);
  let isMet = false;
  while (asked.size > 0) {
    const answer = await Promise.race([timeUp, ...asked.values()]);
    if (answer === null) break;
    asked.delete(answer.cosigner);
    if (answer.signatures.length === 0) continue;
    verified.push(...answer.signatures);
    const cosignedAt = timeOfQuorum(quorum.policy, timely(verified, clock()));
    if (cosignedAt === null) continue;
    isMet = true;
    yield { signatures: [...verified], cosignedAt };
  }
  if (!isMet) throw notMet(quorum.policy, verified, signal);
}

interface Answer {
  readonly cosigner: Cosigner;
  readonly signatures: readonly NoteSignature[];
}

async function ask(
  cosigner: Cosigner,
  request: CosignRequest,
  quorum: Quorum,
  signal: AbortSignal,
  logger: Logger,
): Promise<Answer> {
  try {
    const lines = await cosigner.gather(request, signal);
    return { cosigner, signatures: await verifyLines(cosigner, lines, request.note, quorum, logger) };
  } catch (error) {
    if (error instanceof LogBehindError) throw error;
    logger.warn({ err: error, cosigner: cosigner.name }, "a cosigner gave no cosignature");
    return { cosigner, signatures: [] };
  }
}

/** The signatures of known witnesses among the lines; a line of an unknown key is dropped, a wrong one refuses all of them. */
async function verifyLines(
  { name }: Cosigner,
  lines: readonly string[],
  note: string,
  quorum: Quorum,
  logger: Logger,
): Promise<readonly NoteSignature[]> {
  if (lines.length === 0) return [];
  const answered = `${parseNote(note).text}\n${lines.join("")}`;
  const { signatures } = parseNote(answered);
  const isNamed = signatures.some((line) => quorum.verifiers.some((key) => isBy(key, line)));
  if (isNamed) return (await openNote(answered, quorum.verifiers)).verified;
  if (!quorum.unnamed.has(name)) sayUnnamed(name, signatures, quorum.policy, logger);
  quorum.unnamed.add(name);
  return [];
}

/** Signatures of witnesses with their times, but for those ahead of the clock: they make no checkpoint fresh (docs/formats.md). */
function timely(signatures: readonly NoteSignature[], now: Date): Cosignature[] {
  return signatures
    .map(({ name, keyId, signature }) => ({
      name,
      keyId,
      timestamp: splitTimestamp(signature)?.timestamp ?? 0,
    }))
    .filter(({ timestamp }) => timestamp > 0 && !isAheadOfClock(new Date(timestamp * 1000), now));
}

/** A witness is configured some days before the trust root names it (docs/operating.md), so this is no trouble, and said once. */
function sayUnnamed(
  cosigner: string,
  signatures: readonly NoteSignature[],
  policy: TlogPolicy,
  logger: Logger,
): void {
  const facts = { cosigner, keys: signatures.map((line) => `${line.name}+${line.keyId}`) };
  if (policy.witnesses.some(({ key }) => signatures.some((line) => line.name === key.name)))
    logger.warn(
      facts,
      "a cosigner signs with another key than the trust root names for it; it does not count",
    );
  else
    logger.info(
      facts,
      "a cosigner answers that the trust root does not name yet; it does not count until then",
    );
}

function notMet(policy: TlogPolicy, given: readonly NoteSignature[], signal: AbortSignal): QuorumNotMetError {
  const missing = policy.witnesses.filter(({ key }) => !given.some((signature) => isBy(key, signature)));
  return new QuorumNotMetError(
    `the quorum ${policy.quorum} has not cosigned; missing: ${missing.map(({ name }) => name).join(", ")}`,
    { cause: signal.reason },
  );
}

function isBy(key: Pick<VerifierKey, "name" | "keyId">, by: Pick<VerifierKey, "name" | "keyId">): boolean {
  return key.name === by.name && key.keyId === by.keyId;
}
