// Verifies a checkpoint as a relying party takes it: signed by a log of the policy and cosigned by its quorum. Whether that is authentic
// and whether it is recent are two questions with two kinds of error.

import { equalBytes } from "../encoding/bytes.ts";
import { PolicyError, VerificationError } from "../errors.ts";
import { EMPTY_ROOT } from "../merkle/hash.ts";
import { type Checkpoint, parseCheckpoint } from "./checkpoint.ts";
import { createVerifier, splitTimestamp } from "./cosignature.ts";
import { COSIGNATURE_ML_DSA_44, type VerifierKey } from "./key.ts";
import type { NoteCode, NotePolicyCode } from "./note-code.ts";
import { type NoteSignature, type NoteVerifier, openNote } from "./signed-note.ts";
import { isQuorumMet, keysOf, needsMlDsa44, type TlogPolicy } from "./tlog-policy.ts";

/** How far a cosigner's clock may be ahead of ours, seconds. */
export const MAX_CLOCK_SKEW = 300;

/** A verified cosignature of a witness of the policy. */
export interface Cosignature {
  /** Name of the witness' key. */
  readonly name: string;
  readonly keyId: string;
  /** POSIX seconds, never 0. */
  readonly timestamp: number;
}

export interface CosignedCheckpoint {
  readonly checkpoint: Checkpoint;
  /** The key of the policy that signed it; its name is the origin. */
  readonly logKey: VerifierKey;
  /** A witness that cosigned more than once appears more than once. */
  readonly cosignatures: readonly Cosignature[];
}

export interface FreshnessOptions {
  readonly now: Date;
  /** Oldest cosignature that counts, in seconds. Without it none is too old; those from the future still do not count. */
  readonly maxAge?: number | undefined;
}

/**
 * Verifies a checkpoint under a policy: a log signature, and the quorum at whatever time.
 * @throws MalformedError
 * @throws VerificationError `note-unsigned`, `note-signature`, `note-key-ambiguous`, `checkpoint-log-signature`,
 *   `checkpoint-empty-root`, `checkpoint-quorum`.
 */
export async function authenticateCheckpoint(
  note: Uint8Array | string,
  policy: TlogPolicy,
): Promise<CosignedCheckpoint> {
  const opened = await openNote(note, await verifiersOf(policy));
  const checkpoint = parseCheckpoint(opened.text);
  const signedBy = (key: VerifierKey) => opened.verified.some((signature) => isBy(key, signature));
  const log = policy.logs.find(({ key }) => key.name === checkpoint.origin && signedBy(key));
  if (log === undefined) {
    throw new VerificationError<NoteCode>(
      "checkpoint-log-signature",
      "no log of the policy signed the checkpoint as its own",
    );
  }
  if (checkpoint.size === 0 && !equalBytes(checkpoint.root, EMPTY_ROOT)) {
    throw new VerificationError<NoteCode>(
      "checkpoint-empty-root",
      "a tree of size 0 has the root of something",
    );
  }
  const cosignatures = opened.verified.flatMap((signature) => readCosignature(signature, policy));
  if (!isQuorumMet(policy, witnessKeys(policy, cosignatures))) {
    throw new VerificationError<NoteCode>(
      "checkpoint-quorum",
      "too few witnesses of the policy cosigned the checkpoint",
    );
  }
  return { checkpoint, logKey: log.key, cosignatures };
}

/**
 * Checks that the quorum is met counting only cosignatures with `now − maxAge ≤ t ≤ now + 5 min`. A policy with `quorum none` says
 * nothing about time, so under it no checkpoint satisfies a `maxAge`.
 * @returns the time of the quorum, POSIX seconds: from then on the checkpoint is good for `maxAge`. Null under `quorum none`.
 * @throws PolicyError `checkpoint-stale`
 */
export function checkFreshness(
  { cosignatures }: CosignedCheckpoint,
  policy: TlogPolicy,
  { now, maxAge }: FreshnessOptions,
): number | null {
  const seconds = now.getTime() / 1000;
  const time = timeOfQuorum(
    policy,
    cosignatures.filter(({ timestamp }) => timestamp <= seconds + MAX_CLOCK_SKEW),
  );
  const oldest = maxAge === undefined ? 0 : seconds - maxAge;
  const timeless = policy.quorum === "none" && maxAge === undefined;
  // Whatever is no number is not fresh either.
  if (!timeless && !(time !== null && time >= oldest)) {
    const since = maxAge === undefined ? "" : `at most ${maxAge} seconds old and `;
    throw new PolicyError<NotePolicyCode>(
      "checkpoint-stale",
      `too few cosignatures are ${since}not from the future at ${now.toISOString()}`,
    );
  }
  return time;
}

/**
 * The age of a cosigned checkpoint is that of its quorum: the latest time such that the quorum is met by cosignatures not older than it.
 * @returns POSIX seconds; null where the quorum is not met, or is `none` and nobody states a time.
 */
export function timeOfQuorum(policy: TlogPolicy, cosignatures: readonly Cosignature[]): number | null {
  if (policy.quorum === "none") return null;
  const times = [...new Set(cosignatures.map(({ timestamp }) => timestamp))].sort((a, b) => b - a);
  const reached = times.find((time) => {
    const since = cosignatures.filter(({ timestamp }) => timestamp >= time);
    return isQuorumMet(policy, witnessKeys(policy, since));
  });
  return reached ?? null;
}

/** Whether the quorum had cosigned by a time, POSIX seconds; what was added later takes nothing from that. */
export function wasCosignedBy(
  { cosignatures }: CosignedCheckpoint,
  policy: TlogPolicy,
  deadline: number,
): boolean {
  const inTime = cosignatures.filter(({ timestamp }) => timestamp <= deadline);
  return timeOfQuorum(policy, inTime) !== null;
}

/**
 * {@link authenticateCheckpoint}, then {@link checkFreshness}.
 * @throws MalformedError, VerificationError, PolicyError `checkpoint-stale`
 * @example
 * ```ts
 * import { type TlogPolicy, verifyCosignedCheckpoint } from "touchstone/protocol";
 * const checkTree = async (note: string, policy: TlogPolicy): Promise<number> => {
 *   const { checkpoint } = await verifyCosignedCheckpoint(note, policy, { now: new Date(), maxAge: 86_400 });
 *   return checkpoint.size;
 * };
 * ```
 */
export async function verifyCosignedCheckpoint(
  note: Uint8Array | string,
  policy: TlogPolicy,
  options: FreshnessOptions,
): Promise<CosignedCheckpoint> {
  const cosigned = await authenticateCheckpoint(note, policy);
  checkFreshness(cosigned, policy, options);
  return cosigned;
}

/** ML-DSA-44 keys that decide nothing are left out, so that nobody loads the algorithm for them. */
async function verifiersOf(policy: TlogPolicy): Promise<NoteVerifier[]> {
  const needed = needsMlDsa44(policy);
  const keys = keysOf(policy).filter(({ type }) => needed || type !== COSIGNATURE_ML_DSA_44);
  return Promise.all(keys.map((key) => createVerifier(key)));
}

/** Timestamp 0 says nothing about when, so it is no witness' cosignature (C2SP tlog-witness). */
function readCosignature(signature: NoteSignature, policy: TlogPolicy): Cosignature[] {
  if (!policy.witnesses.some(({ key }) => isBy(key, signature))) return [];
  const timestamp = splitTimestamp(signature.signature)?.timestamp ?? 0;
  return timestamp === 0 ? [] : [{ name: signature.name, keyId: signature.keyId, timestamp }];
}

function witnessKeys(policy: TlogPolicy, cosignatures: readonly Cosignature[]): VerifierKey[] {
  return policy.witnesses.map(({ key }) => key).filter((key) => cosignatures.some((by) => isBy(key, by)));
}

function isBy(key: VerifierKey, signature: { name: string; keyId: string }): boolean {
  return key.name === signature.name && key.keyId === signature.keyId;
}
