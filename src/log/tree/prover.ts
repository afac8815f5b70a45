// Makes proofs out of stored nodes: the plan says which nodes a proof is made of, their tiles are read, then it is put together.

import { LRUCache } from "lru-cache";
import { nativeSha256 } from "../../node/sha256.ts";
import { consistencyProofNodes } from "../../protocol/merkle/consistency.ts";
import { EMPTY_ROOT } from "../../protocol/merkle/hash.ts";
import { inclusionProofNodes } from "../../protocol/merkle/inclusion.ts";
import { joinHashes, type SubtreeNode, subtreesOf } from "../../protocol/merkle/subtree.ts";
import { TILE_HEIGHT, TILE_WIDTH } from "../../protocol/merkle/tile.ts";
import { readTile } from "../store/read-tile.ts";
import type { TileStore } from "../store/tile-store.ts";
import type { TreeEdge } from "./growing-tree.ts";
import { TileNodes } from "./tile-nodes.ts";

/** Full tiles kept in memory, of 16 KiB each: so many of level 0, and so many of all levels above. */
const CACHED_TILES = 256;
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

  /**
   * The proof together with the leaf hash, which lies beside it. Nothing is awaited that is in memory, as most of it is.
   * @throws RangeError where there is no such leaf.
   */
  async prove(index: number, size: number): Promise<ProvenLeaf> {
    const plan = inclusionProofNodes(index, size);
    const hashes: Uint8Array[] = [];
    // Each full tile on the way up has eight hashes of the proof. What leads on from one is the first hash of the path in the next.
    for (let level = 0, place = index; isFull(level, place, size); level++) {
      const tile = Math.floor(place / TILE_WIDTH);
      const i = place - tile * TILE_WIDTH;
      const path = this.#inMemory(level, tile)?.path(i) ?? (await this.#readPath(level, tile, i));
      hashes.push(...(level === 0 ? path : path.slice(1)));
      place = tile;
    }
    const rest = hashes.length === 0 ? [[{ level: 0, index }], ...plan] : plan.slice(hashes.length - 1);
    for (const nodes of rest) hashes.push(this.#known(nodes) ?? (await this.#hashSubtrees(nodes)));
    const [leafHash, ...proof] = hashes as [Uint8Array, ...Uint8Array[]];
    return { leafHash, proof };
  }

  /** As `proveConsistency` of protocol/merkle. @throws RangeError unless 1 ≤ from ≤ to. */
  async consistency(from: number, to: number): Promise<Uint8Array[]> {
    const hashes: Uint8Array[] = [];
    for (const nodes of consistencyProofNodes(from, to)) {
      hashes.push(this.#known(nodes) ?? (await this.#hashSubtrees(nodes)));
    }
    return hashes;
  }

  /** The root of the tree when it had `size` leaves. */
  async rootAt(size: number): Promise<Uint8Array> {
    if (size === 0) return EMPTY_ROOT;
    const nodes = subtreesOf({ start: 0, end: size });
    return this.#known(nodes) ?? (await this.#hashSubtrees(nodes));
  }

  /**
   * Of a full tile that is not in memory. The first of them are kept whole, which is all of a small log; of others of level 0 no more than
   * the path is read.
   */
  async #readPath(level: number, tile: number, i: number): Promise<Uint8Array[]> {
    const isKept = level > 0 || this.#leafTiles.size < CACHED_TILES;
    const path = isKept ? undefined : await this.#store.readPath?.(tile, i);
    return path ?? (await this.#read(level, tile, TILE_WIDTH)).path(i);
  }

  /** The hash over adjacent subtrees, where it is in memory. */
  #known(nodes: readonly SubtreeNode[]): Uint8Array | undefined {
    const [only] = nodes;
    return nodes.length === 1 ? this.#nodeInMemory(only as SubtreeNode) : this.#joins.get(rangeOf(nodes));
  }

  async #hashSubtrees(nodes: readonly SubtreeNode[]): Promise<Uint8Array> {
    const hashes: Uint8Array[] = [];
    for (const node of nodes) hashes.push(this.#nodeInMemory(node) ?? (await this.#readNode(node)));
    const joined = joinHashes(hashes, nativeSha256);
    if (nodes.length > 1) this.#joins.set(rangeOf(nodes), joined);
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
    const i = index - tileIndex * perTile;
    const tile = await this.#read((level - height) / TILE_HEIGHT, tileIndex, (i + 1) << height);
    return tile.get(height, i);
  }

  #inMemory(level: number, index: number): TileNodes | undefined {
    const edge = this.#edge()?.edgeTile(level, index);
    if (edge !== undefined) return edge;
    return this.#cacheOf(level).get(keyOf(level, index));
  }

  #cacheOf(level: number): LRUCache<number, TileNodes> {
    return level === 0 ? this.#leafTiles : this.#upperTiles;
  }

  /** @param width how many of its hashes are needed: a replica may have fewer, and nodes over what is not there mean nothing. */
  async #read(level: number, index: number, width: number): Promise<TileNodes> {
    const stored = await readTile(this.#store, level, index, width);
    const nodes = TileNodes.of(stored);
    if (stored.inner !== null) this.#cacheOf(level).set(keyOf(level, index), nodes);
    return nodes;
  }
}

/** Whether the tile of this level that node `place` lies in is full in a tree of this size. */
function isFull(level: number, place: number, size: number): boolean {
  return (Math.floor(place / TILE_WIDTH) + 1) * TILE_WIDTH ** (level + 1) <= size;
}

/** The range of leaves under adjacent subtrees, as a key. */
function rangeOf(nodes: readonly SubtreeNode[]): string {
  const first = nodes[0] as SubtreeNode;
  const last = nodes[nodes.length - 1] as SubtreeNode;
  return `${first.index * 2 ** first.level}-${(last.index + 1) * 2 ** last.level}`;
}

/** One number for each tile: levels are 0 to 6, and a tree of 2^53 entries has fewer than 2^45 tiles of a level. */
function keyOf(level: number, index: number): number {
  return index * 8 + level;
}
