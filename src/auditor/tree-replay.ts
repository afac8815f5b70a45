// Builds the tree of a log again: level-0 tiles give the leaf hashes, entries must have them, and every tile above and the root must
// follow from them (C2SP tlog-tiles, RFC 9162 §2.1).
import { ahead } from "../log/checking/ahead.ts";
import type { CheckedEntry } from "../log/checking/checked-entry.ts";
import type { EntryChecker } from "../log/checking/entry-checker.ts";
import type { GrowingTree } from "../log/tree/growing-tree.ts";
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

/** Tiles that are fetched ahead of the one being replayed, where entries are not looked at. */
const AHEAD = 2;

/** What one bundle's range gave. */
export interface ReplayedRange {
  /** Index of its first entry. */
  readonly start: number;
  /** Leaf hashes, in order: append each of them to the tree before the next range is asked for. */
  readonly hashes: readonly Uint8Array[];
  /** Undefined when they are not to be had, or not all of them are those of the tree. */
  readonly entries: readonly CheckedEntry[] | undefined;
}

export class TreeReplay {
  readonly #reader: TileReader;
  readonly #findings: AuditFindings;
  readonly #size: number;
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
   * @param checker null reads no entries: the tree is what the tiles say.
   */
  async *ranges(checker: EntryChecker | null): AsyncGenerator<ReplayedRange> {
    for (const { range, tile, checking } of ahead(this.#pending(checker), checker?.ahead ?? AHEAD)) {
      const start = range.index * TILE_WIDTH + range.first;
      const checked = checking && (await this.#findings.attempt(start, checking));
      const hashes = this.#fromTile(range, await this.#findings.attempt(null, tile)) ?? checked?.hashes;
      if (hashes === undefined) return;
      const genuine = checked !== undefined && this.#compareLeaves(start, checked.hashes, hashes);
      yield { start, hashes, entries: genuine ? checked.entries : undefined };
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

  *#pending(checker: EntryChecker | null) {
    for (let next = this.tree.size; next < this.#size; ) {
      const [range] = bundlesOfRange(next, TILE_WIDTH - (next % TILE_WIDTH), this.#size) as [BundleRange];
      const tile = this.#reader.tile(0, range.index, range.width);
      const checking = checker?.check(this.#readEntries(range));
      for (const promise of [tile, checking]) promise?.catch(() => undefined);
      yield { range, tile, checking };
      next += range.count;
    }
  }

  async #readEntries({ index, first, width }: BundleRange): Promise<readonly Uint8Array[]> {
    return (await this.#reader.bundle(index, width)).slice(first);
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
