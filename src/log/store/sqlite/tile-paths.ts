// Reads paths out of the rows of tile_paths, each of which has those of sixteen hashes of a tile (migrations/sqlite/0006_tile_paths.sql).
import { HASH_LENGTH } from "../../../protocol/merkle/hash.ts";

const PATHS_OF_A_ROW = 16;

/** The number of the row with the path of hash `i` of a tile. */
export function pathsNumber(tile: number, i: number): number {
  return tile * PATHS_OF_A_ROW + Math.floor(i / PATHS_OF_A_ROW);
}

/** Hash `i` of the tile and its siblings at heights 0 to 7: 9 views of 32 bytes. */
export function pathOf(row: Uint8Array, i: number): Uint8Array[] {
  const own = i % PATHS_OF_A_ROW;
  // 16 hashes, then 8, 4 and 2 nodes of heights 1 to 3, then the siblings of heights 4 to 7.
  const places = [
    own,
    own ^ 1,
    16 + ((own >> 1) ^ 1),
    24 + ((own >> 2) ^ 1),
    28 + ((own >> 3) ^ 1),
    30,
    31,
    32,
    33,
  ];
  return places.map((place) => row.subarray(place * HASH_LENGTH, (place + 1) * HASH_LENGTH));
}
