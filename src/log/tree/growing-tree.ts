// Keeps the right edge of the log's tree in memory: what an append needs and changes. It is at most seven tiles, whatever the size.

import { nativeSha256 } from "../../node/sha256.ts";
import { CompactRange } from "../../protocol/merkle/compact-range.ts";
import { HASH_LENGTH } from "../../protocol/merkle/hash.ts";
import { TILE_HEIGHT, TILE_WIDTH, tilesOfSize } from "../../protocol/merkle/tile.ts";
import { StartRefusedError } from "../errors.ts";
import type { TileWrite, TreeHead } from "../store/log-store.ts";
import type { TileStore } from "../store/tile-store.ts";
import { TileNodes } from "./tile-nodes.ts";

/** The tiles at the right edge of a tree. */
export interface TreeEdge {
  /** The tile of this level at the right edge, if that is number `index`; nodes beyond the tree's size in it mean nothing. */
  edgeTile(level: number, index: number): TileNodes | undefined;
}

/** A tile at the right edge. */
interface EdgeTile {
  readonly level: number;
  readonly index: number;
  nodes: TileNodes;
  width: number;
  /** Whether somebody else holds its nodes, so that the next change is made to a copy. */
  isShared: boolean;
}

export class GrowingTree implements TreeEdge {
  readonly #edge = new Map<number, EdgeTile>();
  readonly #changed = new Set<EdgeTile>();
  readonly #range: CompactRange;

  private constructor(edge: readonly EdgeTile[], size: number) {
    for (const tile of edge) this.#edge.set(tile.level, tile);
    this.#range = CompactRange.fromNodes(size, (level, index) => this.#node(level, index), nativeSha256);
  }

  static empty(): GrowingTree {
    return new GrowingTree([], 0);
  }

  /**
   * Rebuilds the right edge of a tree from its tiles.
   * @throws StartRefusedError "log-damaged" when a tile is missing or too narrow, or the root is not the head's.
   */
  static async load(store: TileStore, head: TreeHead): Promise<GrowingTree> {
    const partial = tilesOfSize(head.size).filter((level) => level.partial > 0);
    const edge = await Promise.all(
      partial.map(async ({ level, full, partial: width }) => {
        const stored = await store.readTile(level, full);
        if (stored === undefined || stored.hashes.length < width * HASH_LENGTH) {
          return refuseDamagedTiles(`tile ${full} of level ${level} is not ${width} hashes wide`);
        }
        const hashes = stored.hashes.subarray(0, width * HASH_LENGTH);
        return { level, index: full, nodes: TileNodes.of({ hashes, inner: null }), width, isShared: false };
      }),
    );
    const tree = new GrowingTree(edge, head.size);
    if (!Buffer.from(tree.root()).equals(head.root))
      refuseDamagedTiles("its tiles do not lead to the root of its tree head");
    return tree;
  }

  get size(): number {
    return this.#range.size;
  }

  root(): Uint8Array {
    return this.#range.root();
  }

  /** The root that the tree would have with these leaf hashes appended; the tree stays as it is. */
  rootWith(leafHashes: readonly Uint8Array[]): Uint8Array {
    const range = CompactRange.fromNodes(this.size, (level, index) => this.#node(level, index), nativeSha256);
    for (const leafHash of leafHashes) range.append(leafHash);
    return range.root();
  }

  append(leafHash: Uint8Array): void {
    this.#range.append(leafHash, (level, index, hash) => this.#put(level, index, hash));
  }

  /** The tiles changed since the last call, as they are now: what is appended later does not change them. */
  takeWrites(): TileWrite[] {
    const writes = [...this.#changed].map((tile) => {
      tile.isShared = true;
      const { level, index, nodes, width } = tile;
      const hashes = nodes.hashes.subarray(0, width * HASH_LENGTH);
      return { level, index, hashes, inner: width === TILE_WIDTH ? nodes.inner : null };
    });
    this.#changed.clear();
    return writes;
  }

  /** The same tree, which grows by itself from here on. */
  fork(): GrowingTree {
    for (const tile of this.#edge.values()) tile.isShared = true;
    return new GrowingTree(
      [...this.#edge.values()].map((tile) => ({ ...tile })),
      this.size,
    );
  }

  /** The right edge as it is now: what is appended later does not change it. */
  edge(): TreeEdge {
    for (const tile of this.#edge.values()) tile.isShared = true;
    const tiles = new Map([...this.#edge].map(([level, { index, nodes }]) => [level, { index, nodes }]));
    return {
      edgeTile(level, index) {
        const tile = tiles.get(level);
        return tile?.index === index ? tile.nodes : undefined;
      },
    };
  }

  edgeTile(level: number, index: number): TileNodes | undefined {
    const tile = this.#edge.get(level);
    return tile?.index === index ? tile.nodes : undefined;
  }

  #node(level: number, index: number): Uint8Array {
    const height = level % TILE_HEIGHT;
    const tile = this.#edge.get((level - height) / TILE_HEIGHT);
    return (
      tile?.nodes.get(height, index % 2 ** (TILE_HEIGHT - height)) ??
      refuseDamagedTiles("a tile of its right edge is missing")
    );
  }

  #put(level: number, index: number, hash: Uint8Array): void {
    const height = level % TILE_HEIGHT;
    const tileLevel = (level - height) / TILE_HEIGHT;
    const perTile = 2 ** (TILE_HEIGHT - height);
    const tileIndex = Math.floor(index / perTile);
    let tile = this.#edge.get(tileLevel);
    if (tile?.index !== tileIndex) {
      tile = { level: tileLevel, index: tileIndex, nodes: TileNodes.empty(), width: 0, isShared: false };
      this.#edge.set(tileLevel, tile);
    }
    if (tile.isShared) {
      tile.nodes = tile.nodes.copy();
      tile.isShared = false;
    }
    tile.nodes.set(height, index % perTile, hash);
    if (height === 0) tile.width++;
    this.#changed.add(tile);
  }
}

function refuseDamagedTiles(what: string): never {
  throw new StartRefusedError(
    "log-damaged",
    `the log is damaged: ${what}; run 'touchstone fsck', then recover from a mirror`,
  );
}
