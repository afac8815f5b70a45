// Golden-table comparison: alternatives, inactive rows, the NVDEC0 exception, missing blocks and tables that contradict each other.
import { describe, expect, it } from "vitest";
import { encodeHex } from "../../../src/protocol/encoding/hex.ts";
import type { GoldenTable } from "../../../src/protocol/entry/golden-table.ts";
import { goldenTableDigest } from "../../../src/protocol/entry/golden-table.ts";
import { makeBlocks, makeGoldenTables } from "../../../src/testing/gpu-report.ts";
import { compareGoldenTables } from "../../../src/verifier/nvidia/compare-golden-tables.ts";

const BLOCKS = makeBlocks("golden");
const blocks = new Map(BLOCKS.map((block, i) => [i + 1, block]));
const { driver, vbios } = makeGoldenTables(BLOCKS);
const OTHER = "ab".repeat(48);
const digestOf = (index: number) => encodeHex(BLOCKS[index]!);

const compare = (
  tables: GoldenTable[],
  report: Parameters<typeof compareGoldenTables>[0] = { blocks, nvdec0: "on" },
) =>
  compareGoldenTables(
    report,
    tables.map((table, i) => ({ table, entry: `gpu-rim/${i}@1` })),
  );
const row = (index: number, alternatives: string[], active = true) => ({ index, active, alternatives });

describe("comparison", () => {
  it("takes the active indices of both tables together, in rising order", () => {
    const found = compare([driver, vbios]);
    expect(found).toMatchObject({ matches: true, matched: 33, compared: 33, conflicts: [] });
    expect(found.indices.map(({ index }) => index)).toEqual([
      ...Array.from({ length: 13 }, (_, i) => i),
      ...Array.from({ length: 20 }, (_, i) => 21 + i),
    ]);
    expect(found.indices.find(({ index }) => index === 7)?.entry).toBe("gpu-rim/0@1");
    expect(found.indices.find(({ index }) => index === 8)?.entry).toBe("gpu-rim/1@1");
  });

  it("is of index i with block i + 1, never with block i", () => {
    expect(compare([[row(3, [digestOf(3)])]]).matches).toBe(true);
    expect(compare([[row(3, [digestOf(2)])]]).matches).toBe(false);
  });

  it("matches any alternative, the first or the last", () => {
    expect(compare([[row(3, [digestOf(3), OTHER, OTHER])]]).matches).toBe(true);
    expect(compare([[row(3, [OTHER, OTHER, digestOf(3)])]]).matches).toBe(true);
    expect(compare([[row(3, [OTHER, digestOf(4)])]]).matches).toBe(false);
  });

  it("ignores inactive rows, even wrong ones", () => {
    expect(compare([[row(3, [digestOf(3)]), row(4, [OTHER], false)]])).toMatchObject({
      matches: true,
      compared: 1,
    });
  });

  it("names the one index that differs, what was expected and what was found", () => {
    const changed = driver.map((r) => (r.index === 30 ? { ...r, alternatives: [OTHER] } : r));
    const found = compare([changed, vbios]);
    expect(found).toMatchObject({ matches: false, matched: 32, compared: 33 });
    expect(found.indices.filter(({ outcome }) => outcome === "mismatch")).toEqual([
      { index: 30, outcome: "mismatch", expected: [OTHER], actual: digestOf(30), entry: "gpu-rim/0@1" },
    ]);
  });

  it("counts a block that the report lacks as a mismatch", () => {
    const fewer = new Map([...blocks].filter(([n]) => n !== 31));
    const found = compare([driver, vbios], { blocks: fewer, nvdec0: "on" });
    expect(found.matches).toBe(false);
    expect(found.indices.find(({ index }) => index === 30)).toMatchObject({
      outcome: "mismatch",
      actual: null,
    });
  });

  it.each(["off", "on", null] as const)("skips index 35 only while NVDEC0 is off: %s", (nvdec0) => {
    const found = compare([[row(34, [digestOf(34)]), row(35, [OTHER])]], { blocks, nvdec0 });
    expect(found.matches).toBe(nvdec0 === "off");
    expect(found.indices[1]?.outcome).toBe(nvdec0 === "off" ? "skipped" : "mismatch");
  });

  it("never matches when nothing was compared", () => {
    expect(compare([]).matches).toBe(false);
    expect(compare([[row(35, [OTHER])]], { blocks, nvdec0: "off" }).matches).toBe(false);
    expect(compare([[row(3, [digestOf(3)], false)]]).matches).toBe(false);
  });

  it("refuses an index that is active in two tables, even where both match", () => {
    const found = compare([driver, [...vbios, row(30, [digestOf(30)])]]);
    expect(found).toMatchObject({ matches: false, conflicts: [30] });
    expect(compare([driver, [...vbios, row(30, [OTHER], false)]]).matches).toBe(true);
  });
});

describe("floors of security version numbers", () => {
  const floor = (minSvn: number, active = true) => ({ index: 0x1000 + 37, active, minSvn });
  const judged = (svns: ReadonlyMap<number, number>, ...rows: ReturnType<typeof floor>[]) =>
    compareGoldenTables({ blocks, svns }, [{ table: rows, entry: "gpu-rim/vbios@1" }]);

  it.each([
    [5, 5, "match"],
    [6, 5, "match"],
    [4, 5, "mismatch"],
    [0, 0, "match"],
  ])("%i against a floor of %i is a %s", (svn, minSvn, outcome) => {
    const [found] = judged(new Map([[37, svn]]), floor(minSvn)).indices;
    expect(found).toEqual({
      index: 4133,
      outcome,
      expected: [`at least ${minSvn}`],
      actual: `${svn}`,
      entry: "gpu-rim/vbios@1",
    });
  });

  it("a number that the report does not state is a mismatch, under a floor of 0 too", () => {
    expect(judged(new Map([[38, 9]]), floor(0))).toMatchObject({
      matches: false,
      indices: [{ actual: null }],
    });
    expect(compareGoldenTables({ blocks }, [{ table: [floor(0)], entry: null }]).matches).toBe(false);
  });

  it("an inactive floor is not compared, and two tables may not set one for the same number", () => {
    expect(judged(new Map(), floor(5, false)).compared).toBe(0);
    const twice = [floor(1), floor(1)].map((row) => ({ table: [row], entry: null }));
    expect(compareGoldenTables({ blocks, svns: new Map([[37, 9]]) }, twice)).toMatchObject({
      matches: false,
      conflicts: [4133],
    });
  });
});

it("a table's digest changes with any value and not with the order in which its members are written", () => {
  const digest = goldenTableDigest(driver);
  expect(
    goldenTableDigest(
      driver.map((one) => Object.fromEntries(Object.entries(one).reverse()) as (typeof driver)[number]),
    ),
  ).toBe(digest);
  expect(goldenTableDigest([...driver.slice(0, -1), row(40, [OTHER])])).not.toBe(digest);
});
