// Makes what a verifier remembers of the small log, with checkpoints that its keys signed, also of trees that it never had.
import { sha256 } from "../../src/protocol/cryptography/hash.ts";
import { utf8 } from "../../src/protocol/encoding/text.ts";
import { formatTime } from "../../src/protocol/entry/fields.ts";
import type { RememberedState } from "../../src/verifier/bundle/remembered-state.ts";
import { NOW } from "./clock.ts";
import { signedCheckpoint } from "./notes.ts";
import { logKey, ORIGIN, witnessKey } from "./witnesses.ts";

/** A checkpoint that is remembered. Trees of one size and of different names have different roots. */
export async function seenTree(
  size: number,
  tree = "tree",
  at = NOW,
  origin = ORIGIN,
): Promise<RememberedState["checkpoint"]> {
  const root = sha256(utf8(`${tree} ${size}`));
  const seconds = Math.floor(at.getTime() / 1000);
  const witness = await witnessKey("own.example");
  const note = await signedCheckpoint({ origin, size, root }, await logKey(origin), [[witness, seconds]]);
  return { note, cosignedAt: formatTime(at) };
}
