// Defines where tiles are read from. It is not trusted: whoever uses what it returns checks it against a signed root, as any client does.
import { TILE_HEIGHT, TILE_WIDTH } from "../../protocol/merkle/tile.ts";

/** A tile with the nodes above it, as far as they are stored. */
export interface StoredTile {
  /** 1 to 256 hashes of 32 bytes. */
  readonly hashes: Uint8Array;
  /** The 254 nodes of heights 1 to 7 of a full tile, lowest first; null while the tile is partial. */
  readonly inner: Uint8Array | null;
}

/** Where the nodes of height h begin among the inner ones: 128 of height 1, 64 of height 2, down to 2 of height 7. */
export const innerOffset = (height: number) => TILE_WIDTH - 2 ** (TILE_HEIGHT + 1 - height);

/** Immutable objects. It may be behind the log, but a tile that it has shown stays, or becomes the beginning of a wider one. */
export interface TileStore {
  /** The widest tile that is stored at this place (C2SP tlog-tiles: `level` 0 to 6), or undefined. */
  readTile(level: number, index: number): Promise<StoredTile | undefined>;
  /**
   * Where parts of a full tile of level 0 can be read: hash number `i` of it and its siblings at heights 0 to 7, 9 hashes of 32 bytes.
   * Undefined unless the full tile is stored.
   */
  readPath?(index: number, i: number): Promise<Uint8Array[] | undefined>;
  /** Entries from `start` up to, not including, `end`, in order; fewer where the log ends before. */
  readLeaves(start: number, end: number): Promise<Uint8Array[]>;
}
