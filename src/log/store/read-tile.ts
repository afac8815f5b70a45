// Reads a tile that must be there, and as wide as it must be.
import { HASH_LENGTH } from "../../protocol/merkle/hash.ts";
import type { StoredTile, TileStore } from "./tile-store.ts";

/** A tile with at least `width` hashes. @throws Error when the store has lost some, or is behind the tree that was asked about. */
export async function readTile(
  store: TileStore,
  level: number,
  index: number,
  width: number,
): Promise<StoredTile> {
  const stored = await store.readTile(level, index);
  if (stored === undefined || stored.hashes.length < width * HASH_LENGTH)
    throw new Error(`tile ${index} of level ${level} is missing from the store, or not ${width} hashes wide`);
  return stored;
}
