// Reads back what is in force from the few entries that determine it; the size of the log does not matter.
import { parseLeaf } from "../../protocol/envelope/dsse.ts";
import { applyEntry, type InForce, NOTHING_IN_FORCE } from "../../protocol/registration/in-force.ts";
import type { LogReader } from "../store/log-store.ts";

/** The state after the first `size` entries. */
export async function loadInForce(store: LogReader, size: number): Promise<InForce> {
  let inForce = NOTHING_IN_FORCE;
  const indexes = await store.entriesInForce(size);
  const leaves = await store.readEntries(indexes);
  leaves.forEach((leaf, i) => {
    inForce = applyEntry(inForce, { ...parseLeaf(leaf), index: indexes[i] as number });
  });
  return { ...inForce, size };
}
