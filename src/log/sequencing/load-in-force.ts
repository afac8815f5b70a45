// Reads back what is in force from the few entries that determine it; the size of the log does not matter.
import { parseLeaf } from "../../protocol/envelope/dsse.ts";
import { applyEntry, type InForce, NOTHING_IN_FORCE } from "../../protocol/registration/in-force.ts";
import type { LogStore } from "../store/log-store.ts";
import { readLeaf } from "../store/read-leaf.ts";

/** The state after the first `size` entries. */
export async function loadInForce(store: LogStore, size: number): Promise<InForce> {
  let inForce = NOTHING_IN_FORCE;
  for (const index of await store.entriesInForce(size)) {
    const { payloadDigest, statement } = parseLeaf(await readLeaf(store, index));
    inForce = applyEntry(inForce, { index, payloadDigest, statement });
  }
  return { ...inForce, size };
}
