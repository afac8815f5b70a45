// Makes proofs out of stored nodes: the plan says which nodes a proof is made of, their tiles are read, then it is put together.

import { LRUCache } from "lru-cache";
import { nativeSha256 } from "../../node/sha256.ts";
import { consistencyProofNodes } from "../../protocol/merkle/consistency.ts";
import { EMPTY_ROOT, HASH_LENGTH } from "../../protocol/merkle/hash.ts";
import { inclusionProofNodes } from "../../protocol/merkle/inclusion.ts";
import { joinHashes, type SubtreeNode, subtreesOf } from "../../protocol/merkle/subtree.ts";
import { TILE_HEIGHT, TILE_WIDTH } from "../../protocol/merkle/tile.ts";
import { innerOffset, type TileStore, UPPER_HEIGHT } from "../store/tile-store.ts";
import type { TreeEdge } from "./growing-tree.ts";
import { TileNodes } from "./tile-nodes.ts";

/** Full tiles kept in memory, of 16 KiB each: so many of level 0, and so many of all levels above. */
const CACHED_TILES = 256;
/** Upper halves kept of further tiles of level 0, of 960 bytes each: those of two million entries. */
const CACHED_UPPERS = 8192;
/** Hashes kept of subtrees at the right edge, which are joined of several nodes. */
const CACHED_JOINS = 256;

/** A leaf hash, 32 bytes, and the proof of it, as `proveInclusion` of protocol/merkle makes it. */
export interface ProvenLeaf {
  readonly leafHash: Uint8Array;
  readonly proof: Uint8Array[];
}

export class Prover {
  readonly #store: TileStore;
  readonly #edge: () => TreeEdge | null;
  /** Full tiles, which never change. */
  readonly #leafTiles = new LRUCache<number, TileNodes>({ max: CACHED_TILES });
  readonly #upperTiles = new LRUCache<number, TileNodes>({ max: CACHED_TILES });
  /** Upper halves of tiles of level 0 that are not kept as a whole. */
  readonly #uppers = new LRUCache<number, Uint8Array>({ max: CACHED_UPPERS });
  /** By their ranges of leaves: what a range hashes to never changes. */
  readonly #joins = new LRUCache<string, Uint8Array>({ max: CACHED_JOINS });

  /** @param edge of a tree that is durable, and at least as large as every size that will be asked for; null of an empty one. */
  constructor(store: TileStore, edge: () => TreeEdge | null) {
    this.#store = store;
    this.#edge = edge;
  }

  /** As `proveInclusion` of protocol/merkle. @throws RangeError where there is no such leaf. */
  async inclusion(index: number, size: number): Promise<Uint8Array[]> {
    return (await this.prove(index, size)).proof;
  }

  /** The proof together with the leaf hash, which lies beside it. @throws RangeError where there is no such leaf. */
  async prove(index: number, size: number): Promise<ProvenLeaf> {
    const plan = inclusionProofNodes(index, size);
    const tile = Math.floor(index / TILE_WIDTH);
    if ((tile + 1) * TILE_WIDTH > size) {
      return { leafHash: await this.#hashSubtrees([{ level: 0, index }]), proof: await this.#hash(plan) };
    }
    const [leafHash, ...proof] = await this.#path(tile, index % TILE_WIDTH);
    proof.push(...(await this.#hash(plan.slice(TILE_HEIGHT))));
    return { leafHash: leafHash as Uint8Array, proof };
  }

  /** As `proveConsistency` of protocol/merkle. @throws RangeError unless 1 ≤ from ≤ to. */
  async consistency(from: number, to: number): Promise<Uint8Array[]> {
    return this.#hash(consistencyProofNodes(from, to));
  }

  /** The root of the tree when it had `size` leaves. */
  async rootAt(size: number): Promise<Uint8Array> {
    if (size === 0) return EMPTY_ROOT;
    return this.#hashSubtrees(subtreesOf({ start: 0, end: size }));
  }

  /**
   * Of a tile that is full. The first of them are kept whole, which is all of a small log; of others the upper half is kept, and five
   * hashes of the lower half are read.
   */
  async #path(tile: number, i: number): Promise<Uint8Array[]> {
    const inMemory = this.#inMemory(0, tile);
    if (inMemory !== undefined) return inMemory.path(i);
    const halves = this.#leafTiles.size < CACHED_TILES ? null : await this.#halves(tile, i);
    return halves ?? (await this.#read(0, tile)).path(i);
  }

  /** Null where the store reads whole tiles alone. */
  async #halves(tile: number, i: number): Promise<Uint8Array[] | null> {
    const upper = this.#uppers.get(tile) ?? (await this.#store.readUpper?.(tile));
    const lower = await this.#store.readLower?.(tile, i);
    if (upper === undefined || lower === undefined) return null;
    this.#uppers.set(tile, upper);
    const [even, odd, ...siblings] = hashesOf(lower) as [Uint8Array, Uint8Array];
    const path = i % 2 === 0 ? [even, odd, ...siblings] : [odd, even, ...siblings];
    for (let height = UPPER_HEIGHT; height < TILE_HEIGHT; height++) {
      const at = innerOffset(height) - innerOffset(UPPER_HEIGHT) + ((i >> height) ^ 1);
      path.push(upper.subarray(at * HASH_LENGTH, (at + 1) * HASH_LENGTH));
    }
    return path;
  }

  /** The hashes of a proof, each over the subtrees that the plan names for it. */
  async #hash(plan: readonly SubtreeNode[][]): Promise<Uint8Array[]> {
    const hashes: Uint8Array[] = [];
    for (const nodes of plan) {
      const [only] = nodes;
      const ready = nodes.length === 1 && only !== undefined ? this.#nodeInMemory(only) : undefined;
      hashes.push(ready ?? (await this.#hashSubtrees(nodes)));
    }
    return hashes;
  }

  async #hashSubtrees(nodes: readonly SubtreeNode[]): Promise<Uint8Array> {
    const range = rangeOf(nodes);
    const known = this.#joins.get(range);
    if (known !== undefined) return known;
    const hashes: Uint8Array[] = [];
    for (const node of nodes) hashes.push(this.#nodeInMemory(node) ?? (await this.#readNode(node)));
    const joined = joinHashes(hashes, nativeSha256);
    if (nodes.length > 1) this.#joins.set(range, joined);
    return joined;
  }

  /** Nearly every tile is in memory, and awaiting it would cost more than reading it. */
  #nodeInMemory({ level, index }: SubtreeNode): Uint8Array | undefined {
    const height = level % TILE_HEIGHT;
    const tileLevel = (level - height) / TILE_HEIGHT;
    const perTile = TILE_WIDTH >> height;
    const tileIndex = Math.floor(index / perTile);
    return this.#inMemory(tileLevel, tileIndex)?.get(height, index - tileIndex * perTile);
  }

  async #readNode({ level, index }: SubtreeNode): Promise<Uint8Array> {
    const height = level % TILE_HEIGHT;
    const perTile = TILE_WIDTH >> height;
    const tileIndex = Math.floor(index / perTile);
    const tile = await this.#read((level - height) / TILE_HEIGHT, tileIndex);
    return tile.get(height, index - tileIndex * perTile);
  }

  #inMemory(level: number, index: number): TileNodes | undefined {
    const edge = this.#edge()?.edgeTile(level, index);
    if (edge !== undefined) return edge;
    return this.#cacheOf(level).get(keyOf(level, index));
  }

  #cacheOf(level: number): LRUCache<number, TileNodes> {
    return level === 0 ? this.#leafTiles : this.#upperTiles;
  }

  async #read(level: number, index: number): Promise<TileNodes> {
    const stored = await this.#store.readTile(level, index);
    if (stored === undefined) throw new Error(`tile ${index} of level ${level} is missing`);
    const nodes = TileNodes.of(stored);
    if (stored.inner !== null) this.#cacheOf(level).set(keyOf(level, index), nodes);
    return nodes;
  }
}

/** The range of leaves under adjacent subtrees, as a key. */
function rangeOf(nodes: readonly SubtreeNode[]): string {
  const first = nodes[0] as SubtreeNode;
  const last = nodes[nodes.length - 1] as SubtreeNode;
  return `${first.index * 2 ** first.level}-${(last.index + 1) * 2 ** last.level}`;
}

function hashesOf(bytes: Uint8Array): Uint8Array[] {
  return Array.from({ length: bytes.length / HASH_LENGTH }, (_, i) =>
    bytes.subarray(i * HASH_LENGTH, (i + 1) * HASH_LENGTH),
  );
}

/** One number for each tile: levels are 0 to 6, and a tree of 2^53 entries has fewer than 2^45 tiles of a level. */
function keyOf(level: number, index: number): number {
  return index * 8 + level;
}
