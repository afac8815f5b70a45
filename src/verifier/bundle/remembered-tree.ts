// Checks step 6 of bundle verification: the log did not go back or fork since the last visit (RFC 9162 §2.1.4).
import type { PolicyBundle } from "../../protocol/bundle/policy-bundle.ts";
import { verifyConsistency } from "../../protocol/merkle/consistency.ts";
import { asBundleError, refuseBroken, refuseUnacceptable } from "./bundle-error.ts";
import { isFork, treeOfNote } from "./fork.ts";
import type { RememberedState } from "./remembered-state.ts";

/** The tree is the one that was seen before, or grew out of it. */
export async function verifyRemembered(
  { consistency }: Pick<PolicyBundle, "consistency">,
  seen: RememberedState,
  remembered: RememberedState | null,
): Promise<void> {
  if (remembered === null) return;
  const notes = [remembered.checkpoint.note, seen.checkpoint.note] as const;
  if (remembered.fork !== null || isFork(notes))
    refuseBroken("log-forked", "two trees of one size are signed; keep both checkpoints, and trust neither");
  const [before, now] = [treeOfNote(notes[0]), treeOfNote(notes[1])];
  if (now.size < before.size)
    refuseUnacceptable(
      "checkpoint-rolled-back",
      `the tree has ${now.size} entries and had ${before.size} before`,
    );
  if (now.size === before.size) return;
  if (consistency?.from !== before.size) {
    refuseBroken(
      "consistency-missing",
      `no consistency proof from size ${before.size}; fetch it with ?since=${before.size} (touchstone bundle fetch --state FILE)`,
    );
  }
  const forked = `the tree of size ${now.size} did not grow out of the one of size ${before.size}; keep both, the log forked`;
  await asBundleError("consistency-broken", forked, () =>
    verifyConsistency({
      fromSize: before.size,
      fromRoot: before.root,
      toSize: now.size,
      toRoot: now.root,
      proof: consistency.proof,
    }),
  );
}
