// Names, reads and writes tiles and entry bundles: C2SP tlog-tiles. A tile holds up to 256 hashes of one level; tile (L, N) starts at node
// N·256 of tree level 8·L. Level "entries" holds the entries themselves.

import { type Hash, sha256 } from "../cryptography/hash.ts";
import { ByteReader, concatBytes } from "../encoding/bytes.ts";
import { MalformedError } from "../errors.ts";
import { HASH_LENGTH, rootOf } from "./hash.ts";
import { isTreeSize } from "./subtree.ts";

/** Tree levels that one tile spans. */
export const TILE_HEIGHT = 8;
/** Hashes of a full tile, entries of a full bundle. */
export const TILE_WIDTH = 256;
/** Bytes of the longest entry a bundle can hold. */
const MAX_ENTRY_BYTES = 65_535;

const MAX_LEVEL = 63;
const PATH = /^tile\/(entries|0|[1-9][0-9]?)\/((?:x[0-9]{3}\/){0,6}[0-9]{3})(?:\.p\/([1-9][0-9]{0,2}))?$/;

/** One tile or, with level "entries", one bundle. `width` is 1 to 256; below 256 it is partial. */
export interface Tile {
  readonly level: number | "entries";
  readonly index: number;
  readonly width: number;
}

/**
 * The path of a tile below the log's prefix, without a leading slash: `tile/<L>/<N>[.p/<W>]`.
 * @example
 * ```ts
 * import { tilePath } from "touchstone/protocol";
 * tilePath(0, 5, 17); // "tile/0/005.p/17"
 * ```
 */
export function tilePath(level: number, index: number, width: number = TILE_WIDTH): string {
  return pathOf({ level, index, width });
}

/**
 * The path of an entry bundle below the log's prefix, without a leading slash: `tile/entries/<N>[.p/<W>]`.
 * @example
 * ```ts
 * import { entriesPath } from "touchstone/protocol";
 * entriesPath(1234); // "tile/entries/x001/234"
 * ```
 */
export function entriesPath(index: number, width: number = TILE_WIDTH): string {
  return pathOf({ level: "entries", index, width });
}

function pathOf({ level, index, width }: Tile): string {
  if (level !== "entries" && !(Number.isInteger(level) && level >= 0 && level <= MAX_LEVEL)) {
    throw new RangeError(`there is no tile level ${level}`);
  }
  if (!isTreeSize(index)) throw new RangeError(`there is no tile number ${index}`);
  if (!Number.isInteger(width) || width < 1 || width > TILE_WIDTH) {
    throw new RangeError(`a tile cannot be ${width} wide`);
  }
  return `tile/${level}/${indexPath(index)}${width === TILE_WIDTH ? "" : `.p/${width}`}`;
}

/** Groups of three digits, all but the last marked with x, so that no folder grows beyond a thousand names. */
function indexPath(index: number): string {
  let path = threeDigits(index % 1000);
  for (let rest = Math.floor(index / 1000); rest > 0; rest = Math.floor(rest / 1000)) {
    path = `x${threeDigits(rest % 1000)}/${path}`;
  }
  return path;
}

function threeDigits(number: number): string {
  return String(number).padStart(3, "0");
}

/**
 * Reads the path of a tile or a bundle, in the one form that tlog-tiles gives it.
 * @throws MalformedError for every other text: other zeros in front, width 0 or 256, levels above 63, numbers above 2^53 − 1.
 */
export function parseTilePath(path: string): Tile {
  const match = path.length <= 64 ? PATH.exec(path) : null;
  if (match === null) throw new MalformedError("tile path", "expected tile/<L>/<N>[.p/<W>]");
  const [, first, groups = "", last] = match;
  const level = first === "entries" ? first : Number(first);
  const index = Number(groups.replaceAll(/[x/]/g, ""));
  const width = last === undefined ? TILE_WIDTH : Number(last);
  if (level !== "entries" && level > MAX_LEVEL)
    throw new MalformedError("tile path", `no level above ${MAX_LEVEL}`);
  if (!isTreeSize(index)) throw new MalformedError("tile path", "the number is above 2^53 − 1");
  if (width > TILE_WIDTH || pathOf({ level, index, width }) !== path) {
    throw new MalformedError("tile path", "not in its shortest form");
  }
  return { level, index, width };
}

/** Which hashes of which tile lie under a node: `count` of them, a power of two up to 128, from `offset` on. */
export interface TilePosition {
  readonly tileLevel: number;
  readonly tileIndex: number;
  readonly offset: number;
  readonly count: number;
}

/** Where the tiles hold the node `index` of tree level `level`. Tiles store every eighth level; what is between is hashed again. */
export function tileCoordinates(level: number, index: number): TilePosition {
  const count = 2 ** (level % TILE_HEIGHT);
  const perTile = TILE_WIDTH / count;
  const offset = (index % perTile) * count;
  return {
    tileLevel: Math.floor(level / TILE_HEIGHT),
    tileIndex: Math.floor(index / perTile),
    offset,
    count,
  };
}

/**
 * The hash of a node, 32 bytes, out of the bytes of the tile that {@link tileCoordinates} names.
 * @throws RangeError where the tile is too narrow to hold it.
 */
export function nodeInTile(
  tile: Uint8Array,
  { offset, count }: TilePosition,
  hash: Hash = sha256,
): Uint8Array {
  if (tile.length < (offset + count) * HASH_LENGTH) throw new RangeError("the tile does not hold the node");
  const hashes = Array.from({ length: count }, (_, i) => {
    const start = (offset + i) * HASH_LENGTH;
    return tile.subarray(start, start + HASH_LENGTH);
  });
  return rootOf(hashes, hash);
}

/** Hashes that tile `index` of `level` has in a tree of `size`: 256 when full, 0 when there is no such tile. */
export function tileWidth(level: number | "entries", index: number, size: number): number {
  const nodes = Math.floor(size / TILE_WIDTH ** (level === "entries" ? 0 : level));
  return Math.max(0, Math.min(TILE_WIDTH, nodes - index * TILE_WIDTH));
}

/** The tiles of one level: `full` of them numbered from 0, then one of width `partial` unless that is 0. */
export interface TileLevel {
  readonly level: number;
  readonly full: number;
  readonly partial: number;
}

/** Every tile a tree of `size` has, from level 0 up. Level 0 describes the entry bundles too. Empty tiles do not exist. */
export function tilesOfSize(size: number): TileLevel[] {
  const levels: TileLevel[] = [];
  for (let level = 0, nodes = size; nodes > 0; level++) {
    levels.push({ level, full: Math.floor(nodes / TILE_WIDTH), partial: nodes % TILE_WIDTH });
    nodes = Math.floor(nodes / TILE_WIDTH);
  }
  return levels;
}

/** The part of one bundle that a range of entries covers: entries `first` to `first + count − 1` of bundle `index`. */
export interface BundleRange {
  readonly index: number;
  readonly first: number;
  readonly count: number;
  /** Entries of the whole bundle at this tree size. */
  readonly width: number;
}

/** The bundles, in order, that hold the entries from `from` on, at most `count` of them, cut at the tree's size. */
export function bundlesOfRange(from: number, count: number, size: number): BundleRange[] {
  const end = Math.min(size, from + count);
  const bundles: BundleRange[] = [];
  for (let next = from; next < end; ) {
    const index = Math.floor(next / TILE_WIDTH);
    const first = next % TILE_WIDTH;
    const covered = Math.min(TILE_WIDTH - first, end - next);
    bundles.push({ index, first, count: covered, width: tileWidth("entries", index, size) });
    next += covered;
  }
  return bundles;
}

/** The bytes of a bundle: for each entry its length as big-endian uint16, then the entry (at most 65,535 bytes). */
export function encodeEntryBundle(entries: readonly Uint8Array[]): Uint8Array {
  return concatBytes(
    ...entries.flatMap((entry) => {
      if (entry.length > MAX_ENTRY_BYTES)
        throw new RangeError(`an entry is at most ${MAX_ENTRY_BYTES} bytes`);
      return [Uint8Array.of(entry.length >> 8, entry.length & 255), entry];
    }),
  );
}

/**
 * The entries of a bundle, as views into its bytes.
 * @param width how many there must be, 1 to 256.
 * @throws MalformedError when the bytes end early or go on after the last entry.
 * @example
 * ```ts
 * import { entriesPath, parseEntryBundle } from "touchstone/protocol";
 * const bundleUrl = (log: string, index: number): string => `${log}/${entriesPath(Math.floor(index / 256))}`;
 * const entriesOf = (bundle: Uint8Array): Uint8Array[] => parseEntryBundle(bundle, 256);
 * ```
 */
export function parseEntryBundle(bytes: Uint8Array, width: number): Uint8Array[] {
  const reader = new ByteReader(bytes, "entry bundle");
  const entries: Uint8Array[] = [];
  while (entries.length < width) entries.push(reader.take(reader.u16be("entry length"), "entry"));
  if (reader.remaining > 0)
    throw new MalformedError("entry bundle", "bytes after the last entry", reader.offset);
  return entries;
}
