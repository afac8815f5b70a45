// Reads tiles and entries of a tree whose root is signed, and gives none that does not follow from that root (RFC 6962 §2.1, C2SP
// tlog-tiles): so nothing wrong is ever written into a mirror, not even for a while.
import { LRUCache } from "lru-cache";
import { type ServedCode, WrongAnswerError } from "../auditor/audit-finding.ts";
import type { TileReader } from "../auditor/tile-reader.ts";
import { GrowingTree } from "../log/tree/growing-tree.ts";
import { Prover } from "../log/tree/prover.ts";
import { nativeSha256 } from "../node/sha256.ts";
import { equalBytes } from "../protocol/encoding/bytes.ts";
import { HASH_LENGTH, hashLeaf, rootOf } from "../protocol/merkle/hash.ts";
import { TILE_WIDTH, tilePath, tilesOfSize, tileWidth } from "../protocol/merkle/tile.ts";

/** Full tiles in memory: the 256 below each one are read one after the other, and several at a time. */
const KEPT_TILES = 64;

export class VerifiedTree {
  readonly #reader: TileReader;
  readonly #edge = new Map<number, Uint8Array>();
  readonly #full = new LRUCache<string, Promise<Uint8Array>>({ max: KEPT_TILES });
  readonly size: number;

  private constructor(reader: TileReader, size: number) {
    this.#reader = reader;
    this.size = size;
  }

  /**
   * Reads the right edge of the tree: at most seven tiles, every hash of which goes into the root.
   * @throws WrongAnswerError "root-differs" when they do not lead to it, and as `TileReader` where one is missing.
   */
  static async open(
    reader: TileReader,
    { size, root }: { readonly size: number; readonly root: Uint8Array },
  ): Promise<VerifiedTree> {
    const tree = new VerifiedTree(reader, size);
    for (const { level, full, partial } of tilesOfSize(size))
      if (partial > 0) tree.#edge.set(level, await reader.tile(level, full, partial));
    if (!equalBytes(await tree.rootAt(size), root))
      wrong("root-differs", `its tiles do not lead to the signed root of size ${size}`);
    return tree;
  }

  /** The hashes of tile `index` of `level`, all that this tree has in it. @throws WrongAnswerError. */
  async tile(level: number, index: number): Promise<Uint8Array> {
    if (tileWidth(level, index, this.size) < TILE_WIDTH) return this.#edgeTile(level, index);
    const key = `${level}/${index}`;
    const kept = this.#full.get(key);
    if (kept !== undefined) return kept;
    const reading = this.#readFull(level, index);
    this.#full.set(key, reading);
    reading.catch(() => this.#full.delete(key));
    return reading;
  }

  async #readFull(level: number, index: number): Promise<Uint8Array> {
    const above = await this.tile(level + 1, Math.floor(index / TILE_WIDTH));
    const at = (index % TILE_WIDTH) * HASH_LENGTH;
    const tile = await this.#reader.tile(level, index, TILE_WIDTH);
    if (!equalBytes(rootOfTile(tile), above.subarray(at, at + HASH_LENGTH)))
      wrong("tile-differs", `${tilePath(level, index)} does not have the hash that the tile above it says`);
    return tile;
  }

  /** The entries of bundle `index`, all that this tree has in it. @param tile their verified hashes. @throws WrongAnswerError. */
  async bundle(index: number, tile: Uint8Array): Promise<Uint8Array[]> {
    const entries = await this.#reader.bundle(index, tile.length / HASH_LENGTH);
    for (const [i, entry] of entries.entries()) {
      const hash = tile.subarray(i * HASH_LENGTH, (i + 1) * HASH_LENGTH);
      if (!equalBytes(hashLeaf(entry, nativeSha256), hash))
        wrong("entry-differs", `entry ${index * TILE_WIDTH + i} does not have the hash that is in the tree`);
    }
    return entries;
  }

  /** The root that this tree had when it had `size` entries. @throws WrongAnswerError. */
  rootAt(size: number): Promise<Uint8Array> {
    const readTile = async (level: number, index: number) => ({
      hashes: await (size === this.size ? this.#edgeTile(level, index) : this.tile(level, index)),
      inner: null,
    });
    const store = { readTile, readLeaves: async () => [] };
    return new Prover(store, () => GrowingTree.empty()).rootAt(size);
  }

  #edgeTile(level: number, index: number): Uint8Array {
    const tile = this.#edge.get(level);
    if (tile === undefined || tileWidth(level, index, this.size) * HASH_LENGTH !== tile.length)
      throw new RangeError(`a tree of ${this.size} entries has no tile ${index} of level ${level}`);
    return tile;
  }
}

function rootOfTile(tile: Uint8Array): Uint8Array {
  const hashes = Array.from({ length: TILE_WIDTH }, (_, i) =>
    tile.subarray(i * HASH_LENGTH, (i + 1) * HASH_LENGTH),
  );
  return rootOf(hashes, nativeSha256);
}

function wrong(code: ServedCode, message: string): never {
  throw new WrongAnswerError(code, message);
}
