// Joins what was remembered with what was just seen. It is apart from the form of a state, which whoever only verifies does not pay for.
import type { Checkpoint } from "../../protocol/note/checkpoint.ts";
import { forkOf, isSameTree, treeOfNote } from "./fork.ts";
import type { RememberedState } from "./remembered-state.ts";
import { StateChangedError } from "./state-changed.ts";

/** The largest tree that was seen. */
export function treeOf({ checkpoint }: RememberedState): Checkpoint {
  return treeOfNote(checkpoint.note);
}

/**
 * Joins what is stored with what was just verified. Nothing in it ever goes down, and a fork that it meets stays in it.
 * @param since what `next` was verified against. Where the stored tree is another one by now, it was never compared with that of `next`.
 * @throws StateChangedError unless one of the two trees is known to have grown out of the other.
 * @example
 * ```ts
 * import { mergeStates, type RememberedState, type VerifiedBundle } from "touchstone/verifier";
 * const remember = (stored: RememberedState | null, { state }: VerifiedBundle, since: RememberedState | null): RememberedState =>
 *   mergeStates(stored, state, since);
 * ```
 */
export function mergeStates(
  old: RememberedState | null,
  next: RememberedState,
  since: RememberedState | null,
): RememberedState {
  if (old === null) return next;
  const fork = old.fork ?? next.fork ?? forkOf(old.checkpoint.note, next.checkpoint.note);
  if (fork === null && !isProven(old, next, since)) throw new StateChangedError(next.origin);
  const policies = new Map(Object.entries(old.policies));
  for (const [policy, version] of Object.entries(next.policies))
    policies.set(policy, Math.max(policies.get(policy) ?? 0, version));
  return {
    origin: next.origin,
    trustRootVersion: Math.max(old.trustRootVersion, next.trustRootVersion),
    statusSequence: Math.max(old.statusSequence, next.statusSequence),
    checkpoint: isNewer(old, next) ? old.checkpoint : next.checkpoint,
    policies: Object.fromEntries(policies),
    fork,
  };
}

/** Whether the tree of `next` is the old one, or was shown to have grown out of it. */
function isProven(old: RememberedState, next: RememberedState, since: RememberedState | null): boolean {
  return [next, since].some(
    (state) => state !== null && isSameTree(old.checkpoint.note, state.checkpoint.note),
  );
}

/** By size, then by time; of two that are equal in both the one that sorts last, so that the order of visits decides nothing. */
function isNewer(a: RememberedState, b: RememberedState): boolean {
  const sizes = treeOf(a).size - treeOf(b).size;
  if (sizes !== 0) return sizes > 0;
  const key = ({ checkpoint }: RememberedState) => `${checkpoint.cosignedAt} ${checkpoint.note}`;
  return key(a) > key(b);
}
