// Holds the nodes of one tile: its 256 hashes and the 254 nodes of heights 1 to 7 above them. With these a proof reads 32 bytes a
// level, where it would otherwise hash half a tile again.

import { nativeSha256 } from "../../node/sha256.ts";
import { HASH_LENGTH, hashChildren } from "../../protocol/merkle/hash.ts";
import { TILE_HEIGHT, TILE_WIDTH } from "../../protocol/merkle/tile.ts";
import { innerOffset, type StoredTile } from "../store/tile-store.ts";

const INNER_NODES = TILE_WIDTH - 2;

export class TileNodes {
  readonly hashes: Uint8Array;
  readonly inner: Uint8Array;

  private constructor(hashes: Uint8Array, inner: Uint8Array) {
    this.hashes = hashes;
    this.inner = inner;
  }

  /** A tile to be filled. */
  static empty(): TileNodes {
    return new TileNodes(new Uint8Array(TILE_WIDTH * HASH_LENGTH), new Uint8Array(INNER_NODES * HASH_LENGTH));
  }

  /** The nodes of a stored tile; what a partial one does not store is hashed again. */
  static of({ hashes, inner }: StoredTile): TileNodes {
    if (inner !== null) return new TileNodes(hashes, inner);
    const nodes = TileNodes.empty();
    nodes.hashes.set(hashes);
    nodes.#hashInner(hashes.length / HASH_LENGTH);
    return nodes;
  }

  copy(): TileNodes {
    return new TileNodes(this.hashes.slice(), this.inner.slice());
  }

  #hashInner(width: number): void {
    for (let height = 1, count = Math.floor(width / 2); height < TILE_HEIGHT; height++) {
      for (let i = 0; i < count; i++) {
        const left = this.get(height - 1, 2 * i);
        const right = this.get(height - 1, 2 * i + 1);
        this.set(height, i, hashChildren(left, right, nativeSha256));
      }
      count = Math.floor(count / 2);
    }
  }

  /** The node at `height` 0 to 7 above the tile's hashes, number `i` from the left: a view of 32 bytes. */
  get(height: number, i: number): Uint8Array {
    const [bytes, at] = this.#place(height, i);
    return bytes.subarray(at, at + HASH_LENGTH);
  }

  /** Hash `i` and its siblings up to the tile's root: 9 views of 32 bytes. */
  path(i: number): Uint8Array[] {
    const path = [this.get(0, i)];
    for (let height = 0; height < TILE_HEIGHT; height++) path.push(this.get(height, (i >> height) ^ 1));
    return path;
  }

  set(height: number, i: number, hash: Uint8Array): void {
    const [bytes, at] = this.#place(height, i);
    bytes.set(hash, at);
  }

  #place(height: number, i: number): [Uint8Array, number] {
    return height === 0
      ? [this.hashes, i * HASH_LENGTH]
      : [this.inner, (innerOffset(height) + i) * HASH_LENGTH];
  }
}
