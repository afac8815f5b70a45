// Builds the tree of a log again: level-0 tiles give the leaf hashes, entries must have them, and every tile above and the root must
// follow from them (C2SP tlog-tiles, RFC 9162 §2.1).
import type { GrowingTree } from "../log/tree/growing-tree.ts";
import { nativeSha256 } from "../node/sha256.ts";
import { equalBytes } from "../protocol/encoding/bytes.ts";
import { HASH_LENGTH } from "../protocol/merkle/hash.ts";
import {
  type BundleRange,
  bundlesOfRange,
  TILE_WIDTH,
  tilePath,
  tilesOfSize,
} from "../protocol/merkle/tile.ts";
import type { AuditFindings } from "./audit-finding.ts";
import type { TileReader } from "./tile-reader.ts";

/** Bundles that are fetched, parsed and verified ahead of the one being replayed. At most 16 MiB each, usually far less. */
const AHEAD = 2;

/** What one bundle's range gave. */
export interface ReplayedRange<T> {
  /** Index of its first entry. */
  readonly start: number;
  /** Leaf hashes, in order: append each of them to the tree before the next range is asked for. */
  readonly hashes: readonly Uint8Array[];
  /** What `prepare` made of the entries; undefined when they are not to be had, or not all of them are those of the tree. */
  readonly entries: T | undefined;
}

export class TreeReplay {
  readonly #reader: TileReader;
  readonly #findings: AuditFindings;
  readonly #size: number;
  readonly #leafInput = new Uint8Array(1 + 65_535);
  readonly tree: GrowingTree;

  /** @param tree the beginning of the log's tree, to which the rest up to `size` will be appended. */
  constructor(reader: TileReader, findings: AuditFindings, tree: GrowingTree, size: number) {
    this.#reader = reader;
    this.#findings = findings;
    this.tree = tree;
    this.#size = size;
  }

  /**
   * The rest of the log, range by range; ends early where neither tile nor entries give the leaf hashes.
   * @param prepare started ahead, once for each range, in the order of the log; it must handle that the promise rejects. Null reads no
   *   entries: the tree is what the tiles say.
   */
  async *ranges<T>(
    prepare: ((entries: Promise<readonly Uint8Array[]>) => Promise<T>) | null,
  ): AsyncGenerator<ReplayedRange<T>> {
    for (const { range, tile, entries, prepared } of ahead(this.#pending(prepare))) {
      const start = range.index * TILE_WIDTH + range.first;
      const leaves = entries && (await this.#findings.attempt(start, entries));
      const own = leaves?.map((leaf) => this.#hashLeaf(leaf));
      const hashes = this.#fromTile(range, await this.#findings.attempt(null, tile)) ?? own;
      if (hashes === undefined) return;
      const genuine = own !== undefined && this.#compareLeaves(start, own, hashes);
      yield { start, hashes, entries: genuine && prepared ? await prepared : undefined };
    }
  }

  /** Compares the tiles above level 0 that have become full since the last call. */
  async compareFull(): Promise<void> {
    for (const { level, index, hashes } of this.tree.takeWrites()) {
      if (level > 0 && hashes.length === TILE_WIDTH * HASH_LENGTH)
        await this.#compareTile(level, index, hashes);
    }
  }

  /** Compares the partial tiles above level 0 at the tree's right edge. Call it when all ranges were replayed. */
  async compareEdge(): Promise<void> {
    for (const { level, full, partial } of tilesOfSize(this.tree.size)) {
      const nodes = level > 0 && partial > 0 ? this.tree.edgeTile(level, full) : undefined;
      if (nodes) await this.#compareTile(level, full, nodes.hashes.subarray(0, partial * HASH_LENGTH));
    }
  }

  *#pending<T>(prepare: ((entries: Promise<readonly Uint8Array[]>) => Promise<T>) | null) {
    for (let next = this.tree.size; next < this.#size; ) {
      const [range] = bundlesOfRange(next, TILE_WIDTH - (next % TILE_WIDTH), this.#size) as [BundleRange];
      const tile = this.#reader.tile(0, range.index, range.width);
      const entries = prepare && this.#readEntries(range);
      const prepared = entries && prepare(entries);
      for (const promise of [tile, entries, prepared]) promise?.catch(() => undefined);
      yield { range, tile, entries, prepared };
      next += range.count;
    }
  }

  async #readEntries({ index, first, width }: BundleRange): Promise<readonly Uint8Array[]> {
    return (await this.#reader.bundle(index, width)).slice(first);
  }

  /** As hashLeaf of protocol/merkle, without a new buffer for every leaf. */
  #hashLeaf(leaf: Uint8Array): Uint8Array {
    this.#leafInput.set(leaf, 1);
    return nativeSha256(this.#leafInput.subarray(0, 1 + leaf.length));
  }

  /** The tree is what its tiles say, and the entries must belong to it. */
  #fromTile({ index, first, count }: BundleRange, tile: Uint8Array | undefined): Uint8Array[] | undefined {
    if (tile === undefined) return undefined;
    if (first > 0) this.#compareBeginning(index, tile.subarray(0, first * HASH_LENGTH));
    const at = (i: number) => (first + i) * HASH_LENGTH;
    return Array.from({ length: count }, (_, i) => tile.slice(at(i), at(i + 1)));
  }

  #compareLeaves(start: number, own: readonly Uint8Array[], hashes: readonly Uint8Array[]): boolean {
    const differing = own.flatMap((hash, i) =>
      equalBytes(hash, hashes[i] as Uint8Array) ? [] : [start + i],
    );
    for (const index of differing)
      this.#findings.addServed("entry-differs", index, "its hash is not the one in the tree");
    return differing.length === 0;
  }

  #compareBeginning(index: number, beginning: Uint8Array): void {
    const known = this.tree.edgeTile(0, index)?.hashes.subarray(0, beginning.length);
    if (known !== undefined && !equalBytes(known, beginning)) this.#tileDiffers(tilePath(0, index));
  }

  async #compareTile(level: number, index: number, hashes: Uint8Array): Promise<void> {
    const expected = hashes.slice();
    const tile = await this.#findings.attempt(
      null,
      this.#reader.tile(level, index, expected.length / HASH_LENGTH),
    );
    if (tile !== undefined && !equalBytes(tile, expected))
      this.#tileDiffers(tilePath(level, index, expected.length / HASH_LENGTH));
  }

  #tileDiffers(path: string): void {
    const message = `${path} does not hold what follows from the entries below it`;
    this.#findings.addServed("tile-differs", null, message);
  }
}

/** Keeps a few items under way beyond the one that is in the consumer's hands. */
function* ahead<T>(items: Iterable<T>): Generator<T> {
  const queue: T[] = [];
  for (const item of items) {
    queue.push(item);
    if (queue.length > AHEAD) yield queue.shift() as T;
  }
  yield* queue;
}
