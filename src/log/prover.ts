// Proofs out of stored nodes: the planner says which nodes a proof is made of, their tiles are fetched, then it is put together.
import { consistencyProofNodes } from "../protocol/merkle/consistency.ts";
import { EMPTY_ROOT } from "../protocol/merkle/hash.ts";
import { inclusionProofNodes } from "../protocol/merkle/inclusion.ts";
import { joinHashes, type SubtreeNode, subtreesOf } from "../protocol/merkle/subtree.ts";
import { TILE_HEIGHT, TILE_WIDTH } from "../protocol/merkle/tile.ts";
import type { GrowingTree } from "./growing-tree.ts";
import { nativeSha256 } from "./native-hash.ts";
import { TileNodes } from "./tile-nodes.ts";
import type { TileStore } from "./tile-store.ts";

/** Full tiles kept in memory, of 16 KiB each. */
const CACHED_TILES = 256;

export class Prover {
  readonly #store: TileStore;
  readonly #tree: () => GrowingTree;
  /** Least recently used first. */
  readonly #cache = new Map<number, TileNodes>();

  /** @param tree the right edge, at least as large as every size that will be asked for. */
  constructor(store: TileStore, tree: () => GrowingTree) {
    this.#store = store;
    this.#tree = tree;
  }

  /** As `proveInclusion` of protocol/merkle. @throws RangeError where there is no such leaf. */
  async inclusion(index: number, size: number): Promise<Uint8Array[]> {
    return this.#hash(inclusionProofNodes(index, size));
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

  leafHash(index: number): Promise<Uint8Array> {
    return this.#hashSubtrees([{ level: 0, index }]);
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
    const hashes: Uint8Array[] = [];
    for (const node of nodes) hashes.push(this.#nodeInMemory(node) ?? (await this.#readNode(node)));
    return joinHashes(hashes, nativeSha256);
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
    const edge = this.#tree().edgeTile(level, index);
    if (edge !== undefined) return edge;
    const key = keyOf(level, index);
    const cached = this.#cache.get(key);
    if (cached === undefined) return undefined;
    this.#cache.delete(key);
    this.#cache.set(key, cached);
    return cached;
  }

  async #read(level: number, index: number): Promise<TileNodes> {
    const stored = await this.#store.readTile(level, index);
    if (stored === undefined) throw new Error(`tile ${index} of level ${level} is missing`);
    const nodes = TileNodes.of(stored);
    if (stored.inner !== null) this.#remember(keyOf(level, index), nodes);
    return nodes;
  }

  #remember(key: number, nodes: TileNodes): void {
    this.#cache.set(key, nodes);
    if (this.#cache.size > CACHED_TILES) this.#cache.delete(this.#cache.keys().next().value as number);
  }
}

/** One number for each tile: levels are 0 to 6, and a tree of 2^53 entries has fewer than 2^45 tiles of a level. */
function keyOf(level: number, index: number): number {
  return index * 8 + level;
}
