// Asks the witnesses what they have seen, before a log signs anything that they would have to refuse: a store that lost its newest entries
// together with its high-water mark is behind what was cosigned.
import type { PolicyWitness, TlogPolicy } from "../../protocol/note/tlog-policy.ts";
import { StartRefusedError } from "../errors.ts";
import type { Logger } from "../observer.ts";
import type { Cosigner } from "./cosigner.ts";
import { isQuorumOf } from "./quorum.ts";

/** Longest time for which witnesses that do not answer are waited for, milliseconds. */
const ASK_MS = 3_000;

export interface Asking {
  readonly policy: TlogPolicy;
  readonly cosigners: readonly Cosigner[];
  /** A checkpoint that the log has signed before: with none a witness says nothing. */
  readonly note: string;
  /** Of the tree that would be signed next. */
  readonly size: number;
  readonly logger: Logger;
}

/**
 * What a witness claims is not proven, and one of several must not stop a log. So the log is refused only where no quorum is left without
 * those that claim to have seen more; it goes on as soon as those that claim nothing suffice.
 * @throws StartRefusedError "database-behind"
 */
export async function askWitnesses({ policy, cosigners, note, size, logger }: Asking): Promise<void> {
  const claims = new Map<PolicyWitness, number>();
  const silent = new Set<PolicyWitness>();
  const signal = AbortSignal.timeout(ASK_MS);
  const ask = async (witness: PolicyWitness) => {
    const cosigner = cosigners.find(({ name }) => name === witness.name || name === witness.key.name);
    if (cosigner?.sizeSeen === undefined) return;
    silent.add(witness);
    const seen = await cosigner.sizeSeen(note, signal).catch(() => null);
    if (seen !== null) silent.delete(witness);
    if (seen !== null && seen > size) claims.set(witness, seen);
  };
  const asked = policy.witnesses.map(ask);
  const isEnough = () => isQuorumOf(policy, (witness) => !claims.has(witness) && !silent.has(witness));
  await new Promise<void>((resolve) => {
    if (isEnough()) resolve();
    for (const answer of asked) void answer.then(() => isEnough() && resolve());
    void Promise.all(asked).then(() => resolve());
  });
  if (claims.size === 0) return;
  const claimed = [...claims].map(([{ name }, seen]) => `${name}: ${seen}`).join(", ");
  if (!isQuorumOf(policy, (witness) => !claims.has(witness))) refuse(size, claimed);
  logger.warn({ claimed, size }, "a witness claims to have seen a larger tree; the others suffice");
}

function refuse(size: number, claimed: string): never {
  throw new StartRefusedError(
    "database-behind",
    `the database has ${size} entries, and without the witnesses that have seen more (${claimed}) there is no quorum: it is an old copy. Run 'touchstone recover --from MIRROR' to fetch what is missing; going on without it would fork the log`,
  );
}
