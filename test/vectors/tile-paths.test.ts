// Tile paths, positions and ranges of transparency-dev/tessera, and the sizes worked out in C2SP tlog-tiles.
import { expect, it } from "vitest";
import { MalformedError } from "../../src/protocol/errors.ts";
import {
  bundlesOfRange,
  entriesPath,
  parseTilePath,
  TILE_WIDTH,
  tileCoordinates,
  tilePath,
  tilesOfSize,
  tileWidth,
} from "../../src/protocol/merkle/tile.ts";
import { describeReal, realJson } from "../support/real-data.ts";

interface Vectors {
  entriesPathForLogIndex: Array<{ index: string; logSize: string; path: string }>;
  entriesPath: Array<{ n: string; partial: number; path: string }>;
  tilePath: Array<{ level: number; n: string; partial: number; path: string }>;
  indexPath: Array<{ n: string; partial: number; path: string }>;
  parse: Array<{
    level: string;
    index: string;
    ok: boolean;
    value?: { level: number; n: string; partial: number };
  }>;
  nodeToTile: Array<{
    treeLevel: number;
    treeIndex: string;
    tileLevel: number;
    tileIndex: string;
    nodeLevel: number;
    nodeIndex: string;
  }>;
  range: Array<{
    name: string;
    from: string;
    count: string;
    treeSize: string;
    bundles: Array<{ index: string; first: number; count: number; partial: number }>;
  }>;
  tilesOfSize: Array<{ size: string; tiles: Array<{ level: number; full: number; partial: number }> }>;
}

const load = (): Vectors => realJson<Vectors>("vectors/tile-paths.json");
/** In the vectors a full tile has partial width 0. */
const widthOf = (partial: number): number => (partial === 0 ? TILE_WIDTH : partial);

describeReal("vectors/tile-paths.json", () => {
  it("entriesPathForLogIndex (7), entriesPath (4), tilePath (5) and indexPath (4) are written the same", () => {
    const v = load();
    for (const c of v.entriesPathForLogIndex) {
      const bundle = Math.floor(Number(c.index) / TILE_WIDTH);
      expect(entriesPath(bundle, tileWidth("entries", bundle, Number(c.logSize)))).toBe(c.path);
    }
    for (const c of v.entriesPath) expect(entriesPath(Number(c.n), widthOf(c.partial))).toBe(c.path);
    for (const c of v.tilePath) expect(tilePath(c.level, Number(c.n), widthOf(c.partial))).toBe(c.path);
    for (const c of v.indexPath)
      expect(tilePath(0, Number(c.n), widthOf(c.partial))).toBe(`tile/0/${c.path}`);
    const counts = [v.entriesPathForLogIndex, v.entriesPath, v.tilePath, v.indexPath].map(
      (set) => set.length,
    );
    expect(counts).toEqual([7, 4, 5, 4]);
  });

  it("parse: 19 paths are read or refused, the one with a number above 2^53 − 1 refused too", () => {
    const { parse } = load();
    for (const c of parse) {
      const read = () => parseTilePath(`tile/${c.level}/${c.index}`);
      const n = Number(c.value?.n);
      if (!c.ok || !Number.isSafeInteger(n)) expect(read, `${c.level}/${c.index}`).toThrow(MalformedError);
      else expect(read()).toEqual({ level: c.value?.level, index: n, width: widthOf(c.value?.partial ?? 0) });
    }
    expect([parse.length, parse.filter((c) => c.ok).length]).toEqual([19, 4]);
  });

  it("nodeToTile: 5 nodes are found", () => {
    const { nodeToTile } = load();
    for (const c of nodeToTile) {
      const { tileLevel, tileIndex, offset, count } = tileCoordinates(c.treeLevel, Number(c.treeIndex));
      expect([tileLevel, tileIndex]).toEqual([c.tileLevel, Number(c.tileIndex)]);
      expect([count, offset]).toEqual([2 ** c.nodeLevel, Number(c.nodeIndex) * 2 ** c.nodeLevel]);
    }
    expect(nodeToTile).toHaveLength(5);
  });

  it("range: 9 ranges of entries fall into the same bundles", () => {
    const { range } = load();
    for (const c of range) {
      const bundles = bundlesOfRange(Number(c.from), Number(c.count), Number(c.treeSize));
      const expected = c.bundles.map(({ index, first, count, partial }) => ({
        index: Number(index),
        first,
        count,
        width: widthOf(partial),
      }));
      expect(bundles, c.name).toEqual(expected);
    }
    expect(range).toHaveLength(9);
  });

  it("tilesOfSize: 2 sizes have the tiles that the specification counts", () => {
    const cases = load().tilesOfSize;
    for (const c of cases) expect(tilesOfSize(Number(c.size))).toEqual(c.tiles);
    expect(cases).toHaveLength(2);
  });
});
