import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CompactRange } from "../../../src/protocol/merkle/compact-range.ts";
import { EMPTY_ROOT, MAX_TREE_SIZE, rootOf } from "../../../src/protocol/merkle/hash.ts";
import { subtreesOf } from "../../../src/protocol/merkle/subtree.ts";
import { makeTree } from "../../support/tree.ts";

const { leaves, roots, readNode } = makeTree(600);

describe("CompactRange", () => {
  it("starts as the empty tree", () => {
    expect(new CompactRange().root()).toEqual(EMPTY_ROOT);
    expect(new CompactRange().size).toBe(0);
    expect(CompactRange.fromNodes(0, readNode).root()).toEqual(EMPTY_ROOT);
  });

  it("has the root of the list of its leaves at every size", () => {
    for (let size = 0; size <= 200; size++) expect(roots[size]).toEqual(rootOf(leaves.slice(0, size)));
  });

  it("goes on from the stored nodes of any size as if it had never stopped", () => {
    fc.assert(
      fc.property(fc.nat(600), fc.nat(600), (a, b) => {
        const [from, to] = a < b ? [a, b] : [b, a];
        const range = CompactRange.fromNodes(from, readNode);
        expect(range.root()).toEqual(roots[from]);
        for (const leaf of leaves.slice(from, to)) range.append(leaf);
        expect(range.size).toBe(to);
        expect(range.root()).toEqual(roots[to]);
      }),
      { numRuns: 60 },
    );
  });

  it("reports every perfect subtree exactly once, when its last leaf comes", () => {
    const reported: string[] = [];
    const range = new CompactRange();
    for (const [i, leaf] of leaves.slice(0, 256).entries()) {
      range.append(leaf, (level, index, hash) => {
        expect((index + 1) * 2 ** level).toBe(i + 1);
        expect(hash).toEqual(readNode(level, index));
        reported.push(`${level}/${index}`);
      });
    }
    expect(new Set(reported).size).toBe(reported.length);
    expect(reported.length).toBe(511);
  });

  it("appends above 2^32 leaves to the right place", () => {
    const edge = (level: number, index: number) => new Uint8Array(32).fill(level * 7 + (index % 200));
    const range = CompactRange.fromNodes(2 ** 33 - 1, edge);
    const completed: Array<[number, number]> = [];
    range.append(leaves[0] as Uint8Array, (level, index) => completed.push([level, index]));
    expect(completed).toEqual(Array.from({ length: 34 }, (_, level) => [level, 2 ** (33 - level) - 1]));
    expect(range.size).toBe(2 ** 33);
  });

  it("refuses to grow beyond 2^53 − 1 leaves", () => {
    const range = CompactRange.fromNodes(MAX_TREE_SIZE, () => new Uint8Array(32));
    expect(() => range.append(leaves[0] as Uint8Array)).toThrow(RangeError);
    expect(range.size).toBe(MAX_TREE_SIZE);
  });

  it("is made of one subtree for every bit of its size", () => {
    for (const size of [1, 255, 2 ** 32 + 5, 2 ** 53 - 1]) {
      const ones = [...BigInt(size).toString(2)].filter((bit) => bit === "1").length;
      expect(subtreesOf({ start: 0, end: size })).toHaveLength(ones);
    }
  });
});
