import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { concatBytes } from "../../../src/protocol/encoding/bytes.ts";
import { utf8 } from "../../../src/protocol/encoding/text.ts";
import { MalformedError } from "../../../src/protocol/errors.ts";
import { proveInclusion, verifyInclusion } from "../../../src/protocol/merkle/inclusion.ts";
import type { ReadNode } from "../../../src/protocol/merkle/subtree.ts";
import {
  bundlesOfRange,
  encodeEntryBundle,
  entriesPath,
  nodeInTile,
  parseEntryBundle,
  parseTilePath,
  tileCoordinates,
  tilePath,
  tilesOfSize,
  tileWidth,
} from "../../../src/protocol/merkle/tile.ts";
import { malformedOf } from "../../support/refusals.ts";
import { makeTree } from "../../support/tree.ts";

const index = fc.maxSafeNat();
const width = fc.integer({ min: 1, max: 256 });
const level = fc.oneof(fc.integer({ min: 0, max: 63 }), fc.constant("entries" as const));
const pathOf = (tile: { level: number | "entries"; index: number; width: number }): string =>
  tile.level === "entries"
    ? entriesPath(tile.index, tile.width)
    : tilePath(tile.level, tile.index, tile.width);

describe("tile paths", () => {
  it("are those of tlog-tiles", () => {
    expect(tilePath(0, 1234067)).toBe("tile/0/x001/x234/067");
    expect(tilePath(63, 0, 1)).toBe("tile/63/000.p/1");
    expect(entriesPath(1000, 255)).toBe("tile/entries/x001/000.p/255");
    expect(tilePath(1, 2 ** 53 - 1)).toBe("tile/1/x009/x007/x199/x254/x740/991");
    expect(tilePath(0, 2 ** 32)).toBe("tile/0/x004/x294/x967/296");
  });

  it("are read back as what they were written from", () => {
    fc.assert(
      fc.property(level, index, width, (l, n, w) => {
        expect(parseTilePath(pathOf({ level: l, index: n, width: w }))).toEqual({
          level: l,
          index: n,
          width: w,
        });
      }),
    );
  });

  it("are read without a width where the tile is full", () => {
    expect(parseTilePath("tile/0/000")).toEqual({ level: 0, index: 0, width: 256 });
    expect(parseTilePath("tile/entries/x001/234")).toEqual({ level: "entries", index: 1234, width: 256 });
  });

  it("are read up to level 63, the highest that there is", () => {
    expect(parseTilePath("tile/63/000.p/1")).toEqual({ level: 63, index: 0, width: 1 });
  });

  it.each([
    ["a zero in front of the level", "tile/00/000"],
    ["a zero in front of the level", "tile/01/000"],
    ["a level above 63", "tile/64/000"],
    ["a signed level", "tile/-1/000"],
    ["width 0", "tile/0/000.p/0"],
    ["a full tile as a partial one", "tile/0/000.p/256"],
    ["a width with a zero in front", "tile/0/000.p/01"],
    ["a wide width", "tile/0/000.p/999"],
    ["no width", "tile/0/000.p/"],
    ["an unfinished suffix", "tile/0/000.p"],
    ["an unmarked group", "tile/0/001/000"],
    ["a marked last group", "tile/0/x000"],
    ["a group of zeros in front", "tile/0/x000/001"],
    ["two digits", "tile/0/00"],
    ["four digits", "tile/0/x001/0000"],
    ["a slash in front", "/tile/0/000"],
    ["a slash behind", "tile/0/000/"],
    ["a newline behind", "tile/0/000\n"],
    ["an escape", "tile/0/..%2f000"],
    ["other digits", "tile/0/٠٠٠"],
    ["another kind", "tile/data/000"],
    ["a number above 2^53 − 1", "tile/0/x009/x007/x199/x254/x740/992"],
    ["too many groups", "tile/0/x001/x001/x001/x001/x001/x001/x001/001"],
    ["nothing", ""],
  ])("are refused with %s", (_, path) => {
    expect(() => parseTilePath(path)).toThrow(MalformedError);
  });

  it("are refused or read, whatever text comes, and what is read is written the same", async () => {
    const digits = fc.stringMatching(/^tile\/(entries|[0-9]{1,2})\/[x0-9/.p]{0,20}$/);
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.string(), digits), async (path) => {
        const error = await malformedOf(() => expect(pathOf(parseTilePath(path))).toBe(path));
        expect(error === undefined || error.format === "tile path").toBe(true);
      }),
      { numRuns: 2000 },
    );
  });

  it("cannot be written for tiles that do not exist", () => {
    for (const [l, n, w] of [
      [64, 0, 256],
      [-1, 0, 256],
      [0.5, 0, 256],
      [0, -1, 256],
      [0, 2 ** 53, 256],
      [0, 0, 0],
      [0, 0, 257],
      [0, 0, 1.5],
    ] as const) {
      expect(() => tilePath(l, n, w)).toThrow(RangeError);
    }
  });
});

describe("tile mathematics", () => {
  it("finds every node of a tree in the tile that holds it, and proofs made from tiles verify", () => {
    const size = 1000;
    const { leaves, roots, readNode } = makeTree(size);
    const tiles = new Map<string, Uint8Array>();
    for (const { level: l, full, partial } of tilesOfSize(size)) {
      for (let n = 0; n < full + (partial > 0 ? 1 : 0); n++) {
        const hashes = Array.from({ length: tileWidth(l, n, size) }, (_, i) => readNode(8 * l, n * 256 + i));
        tiles.set(`${l}/${n}`, concatBytes(...hashes));
      }
    }
    expect([...tiles.keys()]).toEqual(["0/0", "0/1", "0/2", "0/3", "1/0"]);
    const fromTiles: ReadNode = (l, n) => {
      const position = tileCoordinates(l, n);
      return nodeInTile(tiles.get(`${position.tileLevel}/${position.tileIndex}`) as Uint8Array, position);
    };
    for (let l = 0; 2 ** l <= size; l++) {
      for (let n = 0; (n + 1) * 2 ** l <= size; n++) expect(fromTiles(l, n)).toEqual(readNode(l, n));
    }
    for (const i of [0, 255, 256, 700, 999]) {
      const proof = proveInclusion(i, size, fromTiles);
      verifyInclusion({
        index: i,
        size,
        leafHash: leaves[i] as Uint8Array,
        root: roots[size] as Uint8Array,
        proof,
      });
    }
  });

  it("refuses to read a node that a narrow tile does not hold", () => {
    const tile = new Uint8Array(3 * 32);
    expect(nodeInTile(tile, tileCoordinates(0, 2))).toHaveLength(32);
    expect(() => nodeInTile(tile, tileCoordinates(0, 3))).toThrow(RangeError);
    expect(() => nodeInTile(tile, tileCoordinates(1, 1))).toThrow(RangeError);
  });

  it("keeps node positions exact up to 2^53", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 52 }), fc.maxSafeNat(), (l, n) => {
        const position = tileCoordinates(l, n);
        const first =
          (BigInt(position.tileIndex) * 256n + BigInt(position.offset)) << BigInt(8 * position.tileLevel);
        expect(first).toBe(BigInt(n) << BigInt(l));
        expect(BigInt(position.count) << BigInt(8 * position.tileLevel)).toBe(1n << BigInt(l));
        expect(position.offset + position.count).toBeLessThanOrEqual(256);
      }),
    );
  });

  it("counts the tiles of any size as floor(size / 256^level), exact up to 2^53", () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), (size) => {
        const levels = tilesOfSize(size);
        for (const { level: l, full, partial } of levels) {
          const nodes = BigInt(size) / 256n ** BigInt(l);
          expect(BigInt(full) * 256n + BigInt(partial)).toBe(nodes);
          expect(nodes).toBeGreaterThan(0n);
          expect(tileWidth(l, full, size)).toBe(partial);
          if (full > 0) expect(tileWidth(l, full - 1, size)).toBe(256);
          expect(tileWidth(l, full + 1, size)).toBe(0);
        }
        expect(BigInt(size) / 256n ** BigInt(levels.length)).toBe(0n);
      }),
    );
    expect(tilesOfSize(0)).toEqual([]);
    expect(tileWidth("entries", 2 ** 24, 2 ** 32 + 7)).toBe(7);
  });

  it("cuts a range of entries into bundles without gap, overlap or anything beyond the tree", () => {
    fc.assert(
      fc.property(fc.nat(5000), fc.nat(5000), fc.nat(5000), (from, count, size) => {
        const indexes = bundlesOfRange(from, count, size).flatMap((bundle) => {
          expect(bundle.first + bundle.count).toBeLessThanOrEqual(bundle.width);
          return Array.from({ length: bundle.count }, (_, i) => bundle.index * 256 + bundle.first + i);
        });
        const end = Math.min(size, from + count);
        expect(indexes).toEqual(Array.from({ length: Math.max(0, end - from) }, (_, i) => from + i));
      }),
      { numRuns: 200 },
    );
  });
});

describe("entry bundles", () => {
  const entry = fc.uint8Array({ maxLength: 600 });

  it("give back the entries they were made of", () => {
    fc.assert(
      fc.property(fc.array(entry, { minLength: 1, maxLength: 256 }), (entries) => {
        expect(parseEntryBundle(encodeEntryBundle(entries), entries.length)).toEqual(entries);
      }),
      { numRuns: 50 },
    );
  });

  it("write the length as big-endian uint16, up to 65,535 bytes", () => {
    expect(encodeEntryBundle([utf8("one"), new Uint8Array(0)])).toEqual(
      Uint8Array.of(0, 3, 111, 110, 101, 0, 0),
    );
    const longest = new Uint8Array(65_535).fill(7);
    expect(parseEntryBundle(encodeEntryBundle([longest]), 1)).toEqual([longest]);
    expect(() => encodeEntryBundle([new Uint8Array(65_536)])).toThrow(RangeError);
  });

  it("are refused when cut short, longer than said, or of another width", () => {
    const bytes = encodeEntryBundle([utf8("one"), utf8("two")]);
    for (let length = 0; length < bytes.length; length++) {
      expect(() => parseEntryBundle(bytes.subarray(0, length), 2)).toThrow(MalformedError);
    }
    expect(() => parseEntryBundle(concatBytes(bytes, Uint8Array.of(0)), 2)).toThrow(MalformedError);
    expect(() => parseEntryBundle(bytes, 1)).toThrow(MalformedError);
    expect(() => parseEntryBundle(bytes, 3)).toThrow(MalformedError);
  });

  it("are refused with the name of the part that is cut short", () => {
    expect(() => parseEntryBundle(Uint8Array.of(0), 1)).toThrow("entry length needs 2 bytes, 1 are left");
    expect(() => parseEntryBundle(Uint8Array.of(0, 2, 1), 1)).toThrow(": entry needs 2 bytes, 1 are left");
  });

  it("are read or refused as malformed, whatever bytes come", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 64 }), fc.nat(5), async (bytes, count) => {
        const error = await malformedOf(() =>
          expect(encodeEntryBundle(parseEntryBundle(bytes, count))).toEqual(bytes),
        );
        expect(error === undefined || error.format === "entry bundle").toBe(true);
      }),
    );
  });
});
