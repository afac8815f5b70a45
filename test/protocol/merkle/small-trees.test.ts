// Every proof of every tree of up to 20 leaves, with everything that can be wrong with its numbers and its length: the reason is named.
import { describe, expect, it } from "vitest";
import { sha256 } from "../../../src/protocol/cryptography/hash.ts";
import { CompactRange } from "../../../src/protocol/merkle/compact-range.ts";
import {
  consistencyProofNodes,
  proveConsistency,
  verifyConsistency,
} from "../../../src/protocol/merkle/consistency.ts";
import { rootOf } from "../../../src/protocol/merkle/hash.ts";
import {
  inclusionProofNodes,
  proveInclusion,
  verifyInclusion,
} from "../../../src/protocol/merkle/inclusion.ts";
import { nodeInTile, tileCoordinates } from "../../../src/protocol/merkle/tile.ts";
import { makeTree } from "../../support/tree.ts";

const LARGEST = 20;
const { leaves, roots, readNode } = makeTree(LARGEST);
const hash = leaves[0]!;
const inclusion = (index: number, size: number) => ({
  index,
  size,
  leafHash: leaves[index]!,
  root: roots[size]!,
  proof: proveInclusion(index, size, readNode),
});
const consistency = (fromSize: number, toSize: number) => ({
  fromSize,
  fromRoot: roots[fromSize]!,
  toSize,
  toRoot: roots[toSize]!,
  proof: proveConsistency(fromSize, toSize, readNode),
});
/** What is said of a claim; "" where it holds. */
function said(verify: () => void): string {
  try {
    verify();
    return "";
  } catch (error) {
    return (error as Error).message;
  }
}

describe("inclusion", () => {
  it("holds for every leaf, and not with a hash more or less", () => {
    for (let size = 1; size <= LARGEST; size++)
      for (let index = 0; index < size; index++) {
        const claim = inclusion(index, size);
        const { proof } = claim;
        expect(said(() => verifyInclusion(claim))).toBe("");
        expect(said(() => verifyInclusion({ ...claim, proof: [...proof, hash] }))).toContain("too long");
        if (proof.length > 0)
          expect(said(() => verifyInclusion({ ...claim, proof: proof.slice(0, -1) }))).toContain("too short");
      }
  });

  it.each([
    [0, 0],
    [3, 3],
    [-1, 3],
    [0.5, 3],
    [0, 3.5],
    [Number.NaN, 3],
    [0, Number.NaN],
    [0, 2 ** 53],
    [2 ** 53, 2 ** 54],
  ])("of leaf %d in a tree of %d is no question", (index, size) => {
    const claim = { ...inclusion(0, 1), index, size };
    expect(said(() => verifyInclusion(claim))).toContain(`there is no leaf ${index} of ${size}`);
    expect(() => inclusionProofNodes(index, size)).toThrow(
      new RangeError(`there is no leaf ${index} in a tree of ${size}`),
    );
  });

  it("takes no hash of another length, wherever it stands", () => {
    const claim = inclusion(2, 5);
    const short = hash.subarray(1);
    for (const change of [{ leafHash: short }, { root: short }, { proof: [short, ...claim.proof.slice(1)] }])
      expect(said(() => verifyInclusion({ ...claim, ...change }))).toContain("a hash is not 32 bytes long");
  });
});

describe("consistency", () => {
  it("holds for every pair of sizes, and not with a hash more or less", () => {
    for (let to = 1; to <= LARGEST; to++)
      for (let from = 1; from <= to; from++) {
        const claim = consistency(from, to);
        const { proof } = claim;
        expect(said(() => verifyConsistency(claim))).toBe("");
        const longer = said(() => verifyConsistency({ ...claim, proof: [...proof, hash] }));
        expect(longer).toContain(from === to ? "need no proof" : "too long");
        if (from === to) continue;
        expect(said(() => verifyConsistency({ ...claim, proof: [] }))).toContain("the proof is empty");
        if (proof.length > 1)
          expect(said(() => verifyConsistency({ ...claim, proof: proof.slice(0, -1) }))).toContain(
            "too short",
          );
      }
  });

  it("leads to both roots, and says which one it misses", () => {
    const claim = consistency(3, 7);
    expect(said(() => verifyConsistency({ ...claim, fromRoot: hash }))).toContain("the first root");
    expect(said(() => verifyConsistency({ ...claim, toRoot: hash }))).toContain("the second root");
    expect(said(() => verifyConsistency({ ...consistency(4, 4), toRoot: hash }))).toContain(
      "different roots",
    );
  });

  it.each([
    [0, 1],
    [0, 0],
    [-1, 1],
    [3, 2],
    [1.5, 3],
    [1, 3.5],
    [Number.NaN, 1],
    [1, Number.NaN],
    [1, 2 ** 53],
    [2 ** 53, 2 ** 53],
  ])("from %d to %d is no question", (from, to) => {
    const claim = { ...consistency(1, 3), fromSize: from, toSize: to };
    expect(said(() => verifyConsistency(claim))).toContain("are not two sizes of a growing tree");
    expect(() => consistencyProofNodes(from, to)).toThrow(
      new RangeError(`there is no consistency proof from ${from} to ${to}`),
    );
  });

  it("takes no hash of another length, wherever it stands", () => {
    const claim = consistency(3, 7);
    const short = hash.subarray(1);
    for (const change of [
      { fromRoot: short },
      { toRoot: short },
      { proof: [short, ...claim.proof.slice(1)] },
    ])
      expect(said(() => verifyConsistency({ ...claim, ...change }))).toContain("a hash is not 32 bytes long");
  });
});

it("a growing tree is hashed with the hash that it was given", () => {
  let hashed = 0;
  const range = new CompactRange((bytes) => {
    hashed++;
    return sha256(bytes);
  });
  for (const leaf of leaves.slice(0, 4)) range.append(leaf);
  expect(hashed).toBe(3);
  expect(range.root()).toEqual(roots[4]);
});

it("a tile holds every node of the eight levels over it, and none beyond its width", () => {
  const hashes = Array.from({ length: 256 }, (_, i) => sha256(Uint8Array.of(i)));
  const tile = Uint8Array.from(hashes.flatMap((one) => [...one]));
  for (let level = 0; level < 8; level++) {
    const width = 2 ** level;
    for (const index of new Set([0, 1 % (256 / width), 256 / width - 1])) {
      const place = tileCoordinates(level, index);
      expect(nodeInTile(tile, place)).toEqual(rootOf(hashes.slice(index * width, (index + 1) * width)));
      expect(() => nodeInTile(tile.subarray(0, (index + 1) * width * 32 - 1), place)).toThrow(RangeError);
    }
  }
});
