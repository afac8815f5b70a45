// Confirms when an entry with an identity was in the log at the latest. The log says itself when it took the entry, and judges the token by
// that time; a checkpoint over the entry, with the witnesses' own times, shows that it did not say so long afterwards.
import type { Envelope } from "../envelope/dsse.ts";
import { PolicyError } from "../errors.ts";
import { type Checkpoint, parseCheckpoint } from "../note/checkpoint.ts";
import { authenticateCheckpoint, wasCosignedBy } from "../note/cosigned-checkpoint.ts";
import { parseNote } from "../note/signed-note.ts";
import type { TlogPolicy } from "../note/tlog-policy.ts";

/** How long after `recordedAt` a quorum may have cosigned the first checkpoint over an entry, seconds. */
export const MAX_CONFIRMATION_DELAY = 300;

export type ConfirmationCode = "identity-unconfirmed";

/** @param policyAt the tlog-policy of a tree of so many entries. */
export type PolicyAtSize = (size: number) => TlogPolicy;

/**
 * Whether a checkpoint was cosigned soon enough after an entry was recorded. That the entry is in its tree is for the caller to prove.
 * @returns the checkpoint.
 * @throws PolicyError "identity-unconfirmed"; MalformedError and VerificationError as `authenticateCheckpoint`.
 */
export async function confirm(
  { recordedAt }: Pick<Envelope, "recordedAt">,
  index: number,
  note: string,
  policyAt: PolicyAtSize,
): Promise<Checkpoint> {
  const { size } = parseCheckpoint(parseNote(note).text);
  const policy = policyAt(size);
  const cosigned = await authenticateCheckpoint(note, policy);
  const deadline = Date.parse(recordedAt ?? "") / 1000 + MAX_CONFIRMATION_DELAY;
  if (size <= index || !wasCosignedBy(cosigned, policy, deadline)) refuseUnconfirmed(index, recordedAt);
  return cosigned.checkpoint;
}

export function refuseUnconfirmed(index: number, recordedAt: string | null): never {
  throw new PolicyError<ConfirmationCode>(
    "identity-unconfirmed",
    `no checkpoint over entry ${index} was cosigned within ${MAX_CONFIRMATION_DELAY} s of ${recordedAt}, when the log says that it took it; publish again, with a new token and version`,
  );
}
