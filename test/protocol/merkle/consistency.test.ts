import { describe, expect, it } from "vitest";
import { VerificationError } from "../../../src/protocol/errors.ts";
import {
  type ConsistencyProof,
  consistencyProofNodes,
  proveConsistency,
  verifyConsistency,
} from "../../../src/protocol/merkle/consistency.ts";
import { EMPTY_ROOT } from "../../../src/protocol/merkle/hash.ts";
import { makeTree } from "../../support/tree.ts";

const { roots, readNode } = makeTree(140);

function claimOf(fromSize: number, toSize: number): ConsistencyProof {
  return {
    fromSize,
    fromRoot: roots[fromSize] as Uint8Array,
    toSize,
    toRoot: roots[toSize] as Uint8Array,
    proof: proveConsistency(fromSize, toSize, readNode),
  };
}

function isRefused(claim: ConsistencyProof): boolean {
  try {
    verifyConsistency(claim);
    return false;
  } catch (error) {
    if (!(error instanceof VerificationError) || error.code !== "consistency-proof") throw error;
    return true;
  }
}

const flipped = (bytes: Uint8Array, i: number): Uint8Array =>
  bytes.with(i % bytes.length, (bytes[i % bytes.length] ?? 0) ^ 1);

describe("consistency proofs", () => {
  it("verify between every pair of sizes up to 130", () => {
    let verified = 0;
    for (let to = 1; to <= 130; to++) {
      for (let from = 1; from <= to; from++) {
        verifyConsistency(claimOf(from, to));
        verified++;
      }
    }
    expect(verified).toBe(8515);
  });

  it("are refused with any element changed, missing, added, repeated or swapped", () => {
    let refused = 0;
    for (let to = 1; to <= 34; to++) {
      for (let from = 1; from <= to; from++) {
        const claim = claimOf(from, to);
        const variants: Uint8Array[][] = [
          [...claim.proof, claim.toRoot],
          [claim.fromRoot, ...claim.proof],
          ...claim.proof.flatMap((hash, i) => [
            claim.proof.with(i, flipped(hash, from + i)),
            claim.proof.with(i, hash.subarray(1)),
            claim.proof.toSpliced(i, 1),
            claim.proof.toSpliced(i, 0, hash),
          ]),
          ...(claim.proof.length > 1 ? [claim.proof.toReversed()] : []),
        ];
        for (const proof of variants) expect(isRefused({ ...claim, proof })).toBe(true);
        refused += variants.length;
      }
    }
    expect(refused).toBeGreaterThan(8000);
  });

  it("do not hide a fork: another root at either end is refused", () => {
    const fork = makeTree(140, (i) => Uint8Array.of(i, i, i < 60 ? 0 : 1));
    const honest = makeTree(140, (i) => Uint8Array.of(i, i, 0));
    for (let from = 1; from <= 70; from++) {
      const proof = proveConsistency(from, 100, fork.readNode);
      const toRoot = fork.roots[100] as Uint8Array;
      const claim = {
        fromSize: from,
        fromRoot: honest.roots[from] as Uint8Array,
        toSize: 100,
        toRoot,
        proof,
      };
      expect(isRefused(claim)).toBe(from > 60);
      expect(isRefused({ ...claim, toRoot: honest.roots[100] as Uint8Array })).toBe(true);
    }
  });

  it("hold for no other sizes", () => {
    for (let to = 2; to <= 40; to++) {
      for (let from = 1; from < to; from++) {
        const claim = claimOf(from, to);
        for (let other = 1; other <= 45; other++) {
          if (other !== from && !isRefused({ ...claim, fromSize: other }))
            throw new Error(`${from}→${other} of ${to}`);
        }
        expect(isRefused({ ...claim, toSize: to + 1, toRoot: roots[to + 1] as Uint8Array })).toBe(true);
        expect(isRefused({ ...claim, fromRoot: flipped(claim.fromRoot, to) })).toBe(true);
        expect(isRefused({ ...claim, toRoot: flipped(claim.toRoot, to) })).toBe(true);
      }
    }
  });

  it("are refused from size 0, which the caller treats, and backwards", () => {
    const claim = claimOf(3, 5);
    expect(isRefused({ ...claim, fromSize: 0, fromRoot: EMPTY_ROOT, proof: [] })).toBe(true);
    expect(isRefused({ fromSize: 0, fromRoot: EMPTY_ROOT, toSize: 0, toRoot: EMPTY_ROOT, proof: [] })).toBe(
      true,
    );
    expect(isRefused({ ...claim, fromSize: 5, toSize: 3 })).toBe(true);
    for (const size of [-1, 2.5, Number.NaN, 2 ** 53]) {
      expect(isRefused({ ...claim, fromSize: size })).toBe(true);
      expect(isRefused({ ...claim, toSize: size })).toBe(true);
    }
  });

  it("between equal sizes need equal roots and no hash", () => {
    const root = roots[9] as Uint8Array;
    verifyConsistency({ fromSize: 9, fromRoot: root, toSize: 9, toRoot: root, proof: [] });
    expect(proveConsistency(9, 9, readNode)).toEqual([]);
    expect(
      isRefused({ fromSize: 9, fromRoot: root, toSize: 9, toRoot: roots[8] as Uint8Array, proof: [] }),
    ).toBe(true);
    expect(isRefused({ fromSize: 9, fromRoot: root, toSize: 9, toRoot: root, proof: [root] })).toBe(true);
    expect(
      isRefused({ fromSize: 9, fromRoot: root.subarray(1), toSize: 9, toRoot: root.subarray(1), proof: [] }),
    ).toBe(true);
  });

  it("are refused when empty between different sizes", () => {
    for (const from of [1, 3, 4, 7, 8]) expect(isRefused({ ...claimOf(from, 9), proof: [] })).toBe(true);
  });

  it("plan trees near 2^32 and 2^53 without losing a bit", () => {
    for (const to of [2 ** 32 + 1, 2 ** 33 - 1, 2 ** 52 + 1, 2 ** 53 - 1]) {
      for (const from of [1, 2 ** 31 + 1, 2 ** 32 - 1, 2 ** 32, to - 1]) {
        const nodes = consistencyProofNodes(from, to)
          .flat()
          .map(({ level, index }) => ({ start: BigInt(index) << BigInt(level), width: 1n << BigInt(level) }))
          .sort((a, b) => (a.start < b.start ? -1 : 1));
        // A perfect first tree is left out of the proof; any other is part of it, so the nodes cover the whole second tree.
        let next = Number.isInteger(Math.log2(from)) && 2 ** Math.log2(from) === from ? BigInt(from) : 0n;
        for (const { start, width } of nodes) {
          expect(start).toBe(next);
          next += width;
        }
        expect(next).toBe(BigInt(to));
      }
    }
  });

  it("cannot be asked for where there is none", () => {
    for (const [from, to] of [
      [0, 5],
      [6, 5],
      [-1, 5],
      [1.5, 5],
      [1, 2 ** 53],
    ] as const) {
      expect(() => consistencyProofNodes(from, to)).toThrow(RangeError);
    }
  });
});
