// Gathers cosignatures until the trust root's quorum is met, and no longer: slow witnesses delay nothing once enough have answered.

import { witnessVerifier } from "../../node/ed25519.ts";
import type { TrustRoot } from "../../protocol/entry/trust-root.ts";
import { splitTimestamp } from "../../protocol/note/cosignature.ts";
import { type Cosignature, timeOfQuorum } from "../../protocol/note/cosigned-checkpoint.ts";
import {
  type NoteSignature,
  type NoteVerifier,
  openNote,
  parseNote,
} from "../../protocol/note/signed-note.ts";
import { parseTlogPolicy, type TlogPolicy } from "../../protocol/note/tlog-policy.ts";
import { isAheadOfClock } from "../../protocol/registration/document-times.ts";
import type { Logger } from "../observer.ts";
import { type Cosigner, type CosignRequest, LogBehindError } from "./cosigner.ts";

/** The quorum of a trust root, with its keys imported. */
export interface Quorum {
  readonly policy: TlogPolicy;
  readonly verifiers: readonly NoteVerifier[];
}

export async function quorumOf(root: TrustRoot): Promise<Quorum> {
  const policy = parseTlogPolicy(root.logPolicy);
  const verifiers = await Promise.all(policy.witnesses.map(({ key }) => witnessVerifier(key)));
  return { policy, verifiers: verifiers.filter((verifier) => verifier !== undefined) };
}

/** Cosignatures that meet the quorum. */
export interface Cosigned {
  readonly signatures: readonly NoteSignature[];
  /** POSIX seconds: the latest time such that the quorum is met by cosignatures not older than it. */
  readonly cosignedAt: number;
}

/**
 * Asks all cosigners at once and resolves as soon as the quorum is met by cosignatures that are not ahead of the clock.
 * @throws LogBehindError from any of them; Error when all have answered, or the signal was raised, and it is not met.
 */
export async function gatherQuorum(
  cosigners: readonly Cosigner[],
  request: CosignRequest,
  quorum: Quorum,
  signal: AbortSignal,
  { logger, clock }: { readonly logger: Logger; readonly clock: () => Date },
): Promise<Cosigned> {
  const verified: NoteSignature[] = [];
  return new Promise((resolve, reject) => {
    const giveUp = () =>
      reject(new Error(`the quorum ${quorum.policy.quorum} has not cosigned`, { cause: signal.reason }));
    signal.addEventListener("abort", giveUp, { once: true });
    const asked = cosigners.map(async (cosigner) => {
      try {
        verified.push(...(await verifyLines(await cosigner.gather(request, signal), request.note, quorum)));
      } catch (error) {
        if (error instanceof LogBehindError) reject(error);
        logger.warn({ err: error, cosigner: cosigner.name }, "a cosigner gave no cosignature");
      }
      const cosignedAt = timeOfQuorum(quorum.policy, timely(verified, clock()));
      if (cosignedAt !== null) resolve({ signatures: [...verified], cosignedAt });
    });
    void Promise.all(asked).then(giveUp);
  });
}

/** The signatures of known witnesses among the lines; a line of an unknown key is dropped, a wrong one refuses all of them. */
async function verifyLines(lines: readonly string[], note: string, quorum: Quorum): Promise<NoteSignature[]> {
  if (lines.length === 0) return [];
  const { verified } = await openNote(`${parseNote(note).text}\n${lines.join("")}`, quorum.verifiers);
  return [...verified];
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
