import { createHash } from "node:crypto";
import { MerkleTree } from "merkletreejs";
import { describe, expect, it } from "vitest";
import { equalBytes } from "../../../src/protocol/encoding/bytes.ts";
import { VerificationError } from "../../../src/protocol/errors.ts";
import {
  type InclusionProof,
  inclusionProofNodes,
  proveInclusion,
  verifyInclusion,
} from "../../../src/protocol/merkle/inclusion.ts";
import { makeTree } from "../../support/tree.ts";

const { leaves, roots, readNode } = makeTree(140);
const nodeHash = (pair: Buffer): Buffer => createHash("sha256").update(Buffer.of(1)).update(pair).digest();

function claimOf(index: number, size: number): InclusionProof {
  return {
    index,
    size,
    leafHash: leaves[index] as Uint8Array,
    root: roots[size] as Uint8Array,
    proof: proveInclusion(index, size, readNode),
  };
}

function isRefused(claim: InclusionProof): boolean {
  try {
    verifyInclusion(claim);
    return false;
  } catch (error) {
    if (!(error instanceof VerificationError) || error.code !== "inclusion-proof") throw error;
    return true;
  }
}

const flipped = (bytes: Uint8Array, bit = 0): Uint8Array => {
  const copy = Uint8Array.from(bytes);
  copy[bit >> 3] = (copy[bit >> 3] ?? 0) ^ (1 << (bit & 7));
  return copy;
};

describe("inclusion proofs", () => {
  it("are the audit paths of merkletreejs for every leaf of every size from 1 to 130, and verify", () => {
    let compared = 0;
    for (let size = 1; size <= 130; size++) {
      const tree = new MerkleTree(
        leaves.slice(0, size).map((leaf) => Buffer.from(leaf)),
        nodeHash,
        { duplicateOdd: false },
      );
      for (let index = 0; index < size; index++) {
        const claim = claimOf(index, size);
        const path = tree.getProof(Buffer.from(claim.leafHash), index);
        const same =
          path.length === claim.proof.length &&
          path.every((step, i) => equalBytes(new Uint8Array(step.data), claim.proof[i] as Uint8Array));
        if (!same) throw new Error(`the proof of ${index} in ${size} differs`);
        verifyInclusion(claim);
        compared++;
      }
    }
    expect(compared).toBe(8515);
  });

  it("are refused with any element changed, missing, added, repeated or swapped", () => {
    let refused = 0;
    for (let size = 1; size <= 34; size++) {
      for (let index = 0; index < size; index++) {
        const claim = claimOf(index, size);
        const variants: Uint8Array[][] = [
          [...claim.proof, claim.root],
          [claim.leafHash, ...claim.proof],
          ...claim.proof.flatMap((hash, i) => [
            claim.proof.with(i, flipped(hash, (index * 7 + i) % 256)),
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
    expect(refused).toBeGreaterThan(10_000);
  });

  it("hold for no other index of the same tree", () => {
    for (let size = 1; size <= 70; size++) {
      for (let index = 0; index < size; index++) {
        const claim = claimOf(index, size);
        for (let other = 0; other < size + 2; other++) {
          if (other !== index && !isRefused({ ...claim, index: other }))
            throw new Error(`${index} as ${other} of ${size}`);
        }
      }
    }
  });

  it("hold for no other leaf, root, or the root of another size", () => {
    for (let size = 1; size <= 70; size++) {
      const claim = claimOf(size - 1, size);
      expect(isRefused({ ...claim, leafHash: flipped(claim.leafHash, size) })).toBe(true);
      expect(isRefused({ ...claim, root: flipped(claim.root, size) })).toBe(true);
      expect(isRefused({ ...claim, size: size + 1, root: roots[size + 1] as Uint8Array })).toBe(true);
      expect(isRefused({ ...claim, size: size - 1, root: roots[size - 1] as Uint8Array })).toBe(true);
    }
  });

  it("are refused for numbers that no leaf has and hashes of another length", () => {
    const claim = claimOf(2, 5);
    for (const index of [-1, 0.5, 5, Number.NaN, 2 ** 53]) expect(isRefused({ ...claim, index })).toBe(true);
    for (const size of [-1, 0, 5.5, Number.POSITIVE_INFINITY, 2 ** 53]) {
      expect(isRefused({ ...claim, size })).toBe(true);
    }
    expect(isRefused({ ...claim, leafHash: new Uint8Array(31) })).toBe(true);
    expect(isRefused({ ...claim, root: new Uint8Array(33) })).toBe(true);
    expect(
      isRefused({ index: 0, size: 1, leafHash: new Uint8Array(0), root: new Uint8Array(0), proof: [] }),
    ).toBe(true);
  });

  it("ask only for perfect subtrees that the tree has, and at most one proof hash is joined from several", () => {
    for (let size = 1; size <= 140; size++) {
      for (let index = 0; index < size; index++) {
        const plan = inclusionProofNodes(index, size);
        expect(plan.filter((nodes) => nodes.length > 1).length).toBeLessThanOrEqual(1);
        for (const { level, index: node } of plan.flat()) {
          expect((node + 1) * 2 ** level).toBeLessThanOrEqual(size);
        }
      }
    }
  });

  it("plan trees near 2^32 and 2^53 without losing a bit", () => {
    for (const size of [2 ** 32 - 1, 2 ** 32, 2 ** 32 + 1, 2 ** 52 + 1, 2 ** 53 - 2, 2 ** 53 - 1]) {
      for (const index of [0, 1, 2 ** 31 - 1, 2 ** 31, Math.floor(size / 2), size - 2, size - 1]) {
        const covered = inclusionProofNodes(index, size)
          .flat()
          .map(({ level, index: node }) => ({
            start: BigInt(node) << BigInt(level),
            width: 1n << BigInt(level),
          }))
          .concat({ start: BigInt(index), width: 1n })
          .sort((a, b) => (a.start < b.start ? -1 : 1));
        let next = 0n;
        for (const { start, width } of covered) {
          expect(start).toBe(next);
          next += width;
        }
        expect(next).toBe(BigInt(size));
      }
    }
  });

  it("verify in a tree of 2^53 − 1 leaves whose other leaves are all alike", () => {
    const size = 2 ** 53 - 1;
    for (const index of [0, 2 ** 32 - 1, 2 ** 32, 2 ** 32 + 1, 2 ** 52, size - 1]) {
      const { root, proof, leafHash } = sparseTree(size, index);
      const claim = { index, size, leafHash, root, proof };
      verifyInclusion(claim);
      expect(isRefused({ ...claim, index: index === 0 ? 1 : index - 1 })).toBe(true);
      expect(isRefused({ ...claim, index: (index + 2 ** 32) % size })).toBe(true);
      if (index % 2 ** 32 !== index) expect(isRefused({ ...claim, index: index % 2 ** 32 })).toBe(true);
    }
  });

  it("cannot be asked for where there is no leaf", () => {
    for (const [index, size] of [
      [0, 0],
      [5, 5],
      [-1, 5],
      [0.5, 5],
      [0, 2 ** 53],
    ] as const) {
      expect(() => inclusionProofNodes(index, size)).toThrow(RangeError);
    }
  });
});

/** A tree of equal leaves but one, computed by recursion over halves with BigInt: nothing shared with the code under test. */
function sparseTree(size: number, index: number) {
  const leafHash = new Uint8Array(32).fill(0xab);
  const plain = new Map<bigint, Uint8Array>([[1n, new Uint8Array(32).fill(0xcd)]]);
  const join = (left: Uint8Array, right: Uint8Array) =>
    new Uint8Array(nodeHash(Buffer.concat([left, right])));
  const half = (n: bigint): bigint => 1n << BigInt((n - 1n).toString(2).length - 1);
  const uniform = (n: bigint): Uint8Array => {
    const known = plain.get(n);
    if (known !== undefined) return known;
    const root = join(uniform(half(n)), uniform(n - half(n)));
    plain.set(n, root);
    return root;
  };
  const walk = (i: bigint, n: bigint): { root: Uint8Array; proof: Uint8Array[] } => {
    if (n === 1n) return { root: leafHash, proof: [] };
    const k = half(n);
    if (i < k) {
      const { root, proof } = walk(i, k);
      return { root: join(root, uniform(n - k)), proof: [...proof, uniform(n - k)] };
    }
    const { root, proof } = walk(i - k, n - k);
    return { root: join(uniform(k), root), proof: [...proof, uniform(k)] };
  };
  return { leafHash, ...walk(BigInt(index), BigInt(size)) };
}
