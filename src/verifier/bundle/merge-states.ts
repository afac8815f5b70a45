// Joins what was remembered with what was just seen. It is apart from the form of a state, which whoever only verifies does not pay for.
import type { Checkpoint } from "../../protocol/note/checkpoint.ts";
import { forkOf, treeOfNote } from "./fork.ts";
import type { RememberedState } from "./remembered-state.ts";

/** The largest tree that was seen. */
export function treeOf({ checkpoint }: RememberedState): Checkpoint {
  return treeOfNote(checkpoint.note);
}

/**
 * Joins what was remembered with what was just verified. Nothing in it ever goes down, and a fork that it meets stays in it.
 * @example
 * ```ts
 * import { mergeStates, type StateStore, type VerifiedBundle } from "touchstone/verifier";
 * const remember = async (store: StateStore, { state }: VerifiedBundle): Promise<void> =>
 *   store.save(mergeStates(await store.load(state.origin), state));
 * ```
 */
export function mergeStates(old: RememberedState | null, next: RememberedState): RememberedState {
  if (old === null) return next;
  const policies = new Map(Object.entries(old.policies));
  for (const [policy, version] of Object.entries(next.policies))
    policies.set(policy, Math.max(policies.get(policy) ?? 0, version));
  return {
    origin: next.origin,
    trustRootVersion: Math.max(old.trustRootVersion, next.trustRootVersion),
    statusSequence: Math.max(old.statusSequence, next.statusSequence),
    checkpoint: isNewer(old, next) ? old.checkpoint : next.checkpoint,
    policies: Object.fromEntries(policies),
    fork: old.fork ?? next.fork ?? forkOf(old.checkpoint.note, next.checkpoint.note),
  };
}

/** By size, then by time; of two that are equal in both the one that sorts last, so that the order of visits decides nothing. */
function isNewer(a: RememberedState, b: RememberedState): boolean {
  const sizes = treeOf(a).size - treeOf(b).size;
  if (sizes !== 0) return sizes > 0;
  const key = ({ checkpoint }: RememberedState) => `${checkpoint.cosignedAt} ${checkpoint.note}`;
  return key(a) > key(b);
}
