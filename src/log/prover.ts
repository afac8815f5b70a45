// Proofs out of stored nodes: the planner says which nodes a proof is made of, their tiles are fetched, then it is put together.
import { consistencyProofNodes, proveConsistency } from "../protocol/merkle/consistency.ts";
import { EMPTY_ROOT } from "../protocol/merkle/hash.ts";
import { inclusionProofNodes, proveInclusion } from "../protocol/merkle/inclusion.ts";
import { hashSubtrees, type ReadNode, type SubtreeNode, subtreesOf } from "../protocol/merkle/subtree.ts";
import { TILE_HEIGHT } from "../protocol/merkle/tile.ts";
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
  readonly #cache = new Map<string, TileNodes>();

  /** @param tree the right edge, at least as large as every size that will be asked for. */
  constructor(store: TileStore, tree: () => GrowingTree) {
    this.#store = store;
    this.#tree = tree;
  }

  /** As `proveInclusion` of protocol/merkle. @throws RangeError where there is no such leaf. */
  async inclusion(index: number, size: number): Promise<Uint8Array[]> {
    const readNode = await this.#fetch(inclusionProofNodes(index, size).flat());
    return proveInclusion(index, size, readNode, nativeSha256);
  }

  /** As `proveConsistency` of protocol/merkle. @throws RangeError unless 1 ≤ from ≤ to. */
  async consistency(from: number, to: number): Promise<Uint8Array[]> {
    const readNode = await this.#fetch(consistencyProofNodes(from, to).flat());
    return proveConsistency(from, to, readNode, nativeSha256);
  }

  /** The root of the tree when it had `size` leaves. */
  async rootAt(size: number): Promise<Uint8Array> {
    if (size === 0) return EMPTY_ROOT;
    const nodes = subtreesOf({ start: 0, end: size });
    return hashSubtrees(nodes, await this.#fetch(nodes), nativeSha256);
  }

  async leafHash(index: number): Promise<Uint8Array> {
    return (await this.#fetch([{ level: 0, index }]))(0, index);
  }

  async #fetch(nodes: readonly SubtreeNode[]): Promise<ReadNode> {
    const tiles = new Map<string, TileNodes>();
    for (const { level, index } of nodes) {
      const { tileLevel, tileIndex } = placeOf(level, index);
      const key = `${tileLevel}/${tileIndex}`;
      if (!tiles.has(key)) tiles.set(key, await this.#tile(tileLevel, tileIndex, key));
    }
    return (level, index) => {
      const { tileLevel, tileIndex, height, offset } = placeOf(level, index);
      return (tiles.get(`${tileLevel}/${tileIndex}`) as TileNodes).get(height, offset);
    };
  }

  async #tile(level: number, index: number, key: string): Promise<TileNodes> {
    const edge = this.#tree().edgeTile(level, index);
    if (edge !== undefined) return edge;
    const cached = this.#cache.get(key);
    if (cached !== undefined) {
      this.#cache.delete(key);
      this.#cache.set(key, cached);
      return cached;
    }
    const stored = await this.#store.readTile(level, index);
    if (stored === undefined) throw new Error(`tile ${index} of level ${level} is missing`);
    const nodes = TileNodes.of(stored);
    if (stored.inner !== null) this.#remember(key, nodes);
    return nodes;
  }

  #remember(key: string, nodes: TileNodes): void {
    this.#cache.set(key, nodes);
    if (this.#cache.size > CACHED_TILES) this.#cache.delete(this.#cache.keys().next().value as string);
  }
}

function placeOf(level: number, index: number) {
  const height = level % TILE_HEIGHT;
  const perTile = 2 ** (TILE_HEIGHT - height);
  return {
    tileLevel: (level - height) / TILE_HEIGHT,
    tileIndex: Math.floor(index / perTile),
    height,
    offset: index % perTile,
  };
}
