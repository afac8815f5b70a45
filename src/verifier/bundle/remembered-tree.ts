// Step 6 of bundle verification: the log did not go back or fork since the last visit (RFC 9162 §2.1.4).
import type { PolicyBundle } from "../../protocol/bundle/policy-bundle.ts";
import { decodeHex, encodeHex } from "../../protocol/encoding/hex.ts";
import { verifyConsistency } from "../../protocol/merkle/consistency.ts";
import type { Checkpoint } from "../../protocol/note/checkpoint.ts";
import { asBundleError, refuseBroken, refuseUnacceptable } from "./bundle-error.ts";
import type { RememberedState } from "./remembered-state.ts";

/** The tree is the one that was seen before, or grew out of it. */
export async function verifyRemembered(
  bundle: PolicyBundle,
  { size, root }: Checkpoint,
  remembered: RememberedState | null,
): Promise<void> {
  if (remembered === null) return;
  const before = remembered.checkpoint;
  if (size < before.size)
    refuseUnacceptable(
      "checkpoint-rolled-back",
      `the tree has ${size} entries and had ${before.size} before`,
    );
  if (size === before.size) {
    if (encodeHex(root) !== before.root)
      refuseBroken("consistency-broken", `two different trees of size ${size}; keep both, the log forked`);
    return;
  }
  if (bundle.consistency?.from !== before.size) {
    refuseBroken(
      "consistency-missing",
      `no consistency proof from size ${before.size}; fetch with ?since=${before.size}`,
    );
  }
  const { proof } = bundle.consistency;
  const forked = `the tree of size ${size} did not grow out of the one of size ${before.size}; keep both, the log forked`;
  await asBundleError("consistency-broken", forked, () =>
    verifyConsistency({
      fromSize: before.size,
      fromRoot: decodeHex(before.root),
      toSize: size,
      toRoot: root,
      proof,
    }),
  );
}
