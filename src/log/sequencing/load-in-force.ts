// What is in force, read back from the few entries from which it follows; the size of the log does not matter.
import { parseLeaf } from "../../protocol/envelope/dsse.ts";
import { applyEntry, type InForce, NOTHING_IN_FORCE } from "../../protocol/registration/in-force.ts";
import type { LogStore } from "../store/log-store.ts";

/** The state after the first `size` entries. */
export async function loadInForce(store: LogStore, size: number): Promise<InForce> {
  let inForce = NOTHING_IN_FORCE;
  for (const index of await store.entriesInForce(size)) {
    const [leaf] = await store.readLeaves(index, index + 1);
    if (leaf === undefined) throw new Error(`entry ${index} is missing`);
    const { payloadDigest, statement } = parseLeaf(leaf);
    inForce = applyEntry(inForce, { index, payloadDigest, statement });
  }
  return { ...inForce, size };
}
