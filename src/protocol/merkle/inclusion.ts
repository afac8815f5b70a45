// Makes and verifies inclusion proofs: RFC 9162 §2.1.3. The verifier trusts nothing but the root; the planner says which nodes a proof is
// made of, so that a store can fetch them before it proves.

import { type Hash, sha256 } from "../cryptography/hash.ts";
import { equalBytes } from "../encoding/bytes.ts";
import { VerificationError } from "../errors.ts";
import { HASH_LENGTH, hashChildren } from "./hash.ts";
import type { MerkleCode } from "./merkle-code.ts";
import {
  hashSubtrees,
  isTreeSize,
  type LeafRange,
  type ReadNode,
  type SubtreeNode,
  splitPoint,
  subtreesOf,
} from "./subtree.ts";

/** What an inclusion proof says, and the proof. Hashes are 32 bytes, the proof runs from the leaf's sibling to the root's child. */
export interface InclusionProof {
  readonly index: number;
  readonly size: number;
  readonly leafHash: Uint8Array;
  readonly root: Uint8Array;
  readonly proof: readonly Uint8Array[];
}

/**
 * Checks that the leaf is number `index` (from 0) of the tree of `size` leaves with this root: RFC 9162 §2.1.3.2.
 * @throws VerificationError `inclusion-proof` in every other case, hashes of another length and impossible numbers included.
 * @example
 * ```ts
 * import { hashChildren, hashLeaf, verifyInclusion } from "touchstone/protocol";
 * const [a, b] = [1, 2].map((byte) => hashLeaf(new Uint8Array([byte]))) as [Uint8Array, Uint8Array];
 * verifyInclusion({ index: 0, size: 2, leafHash: a, proof: [b], root: hashChildren(a, b) }); // throws unless it holds
 * ```
 */
export function verifyInclusion(claim: InclusionProof, hash: Hash = sha256): void {
  if (claim.root.length !== HASH_LENGTH) fail("a hash is not 32 bytes long");
  if (!equalBytes(rootByInclusion(claim, hash), claim.root)) fail("the proof does not lead to the root");
}

/**
 * The root that an inclusion proof leads to, for who knows it by a signature alone (RFC 9942).
 * @throws VerificationError `inclusion-proof` where no root is led to.
 */
export function rootByInclusion(claim: Omit<InclusionProof, "root">, hash: Hash = sha256): Uint8Array {
  const { index, size, leafHash, proof } = claim;
  if (!isTreeSize(size) || !isTreeSize(index) || index >= size) fail(`there is no leaf ${index} of ${size}`);
  if (![leafHash, ...proof].every((h) => h.length === HASH_LENGTH)) fail("a hash is not 32 bytes long");
  let position = index;
  let last = size - 1;
  let current = leafHash;
  for (const sibling of proof) {
    if (last === 0) fail("the proof is too long");
    if (position % 2 === 1 || position === last) {
      current = hashChildren(sibling, current, hash);
      // The last node of a level that has no sibling rises until it is a right child.
      while (position % 2 === 0) {
        position /= 2;
        last = Math.floor(last / 2);
      }
    } else {
      current = hashChildren(current, sibling, hash);
    }
    position = Math.floor(position / 2);
    last = Math.floor(last / 2);
  }
  if (last !== 0) fail("the proof is too short");
  return current;
}

function fail(detail: string): never {
  throw new VerificationError<MerkleCode>("inclusion-proof", `inclusion proof: ${detail}`);
}

/**
 * The nodes each hash of the proof is made of, in the order of the proof. All but the one at the right edge of the tree are a
 * single perfect subtree; that one is the join of several, from left to right.
 * @throws RangeError where there is no leaf `index` in a tree of `size`.
 */
export function inclusionProofNodes(index: number, size: number): SubtreeNode[][] {
  if (!isTreeSize(size) || !isTreeSize(index) || index >= size) {
    throw new RangeError(`there is no leaf ${index} in a tree of ${size}`);
  }
  const siblings: LeafRange[] = [];
  let start = 0;
  let end = size;
  while (end - start > 1) {
    const middle = start + splitPoint(end - start);
    if (index < middle) {
      siblings.push({ start: middle, end });
      end = middle;
    } else {
      siblings.push({ start, end: middle });
      start = middle;
    }
  }
  return siblings.reverse().map(subtreesOf);
}

/**
 * The inclusion proof of leaf `index` in the tree of `size` leaves: 0 to 53 hashes, the leaf's sibling first.
 * @example
 * ```ts
 * import { hashLeaf, proveInclusion } from "touchstone/protocol";
 * const leaves = [1, 2].map((byte) => hashLeaf(new Uint8Array([byte])));
 * const proof = proveInclusion(0, 2, (_level, index) => leaves[index] as Uint8Array);
 * ```
 */
export function proveInclusion(
  index: number,
  size: number,
  readNode: ReadNode,
  hash: Hash = sha256,
): Uint8Array[] {
  return inclusionProofNodes(index, size).map((nodes) => hashSubtrees(nodes, readNode, hash));
}
