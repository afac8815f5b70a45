// Reads one entry that must be there.
import type { TileStore } from "./tile-store.ts";

/** The leaf of an entry below the tree's size. @throws Error when the store has lost it. */
export async function readLeaf(store: TileStore, index: number): Promise<Uint8Array> {
  const [leaf] = await store.readLeaves(index, index + 1);
  if (leaf === undefined) throw new Error(`entry ${index} is missing from the store`);
  return leaf;
}
