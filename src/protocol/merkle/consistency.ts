// Makes and verifies consistency proofs: RFC 9162 §2.1.4. They show that one tree is the other with entries appended, and nothing else.

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

/** What a consistency proof says, and the proof. Roots and hashes are 32 bytes. */
export interface ConsistencyProof {
  readonly fromSize: number;
  readonly fromRoot: Uint8Array;
  readonly toSize: number;
  readonly toRoot: Uint8Array;
  readonly proof: readonly Uint8Array[];
}

/**
 * Checks that the first `fromSize` entries of the second tree are the first tree: RFC 9162 §2.1.4.2. Equal sizes need equal roots
 * and an empty proof. Size 0 is refused: everything extends the empty tree, so a caller that meets it has nothing to verify.
 * @throws VerificationError `consistency-proof` in every other case.
 * @example
 * ```ts
 * import { hashChildren, hashLeaf, verifyConsistency } from "touchstone/protocol";
 * const [a, b] = ["a", "b"].map((text) => hashLeaf(new TextEncoder().encode(text))) as [Uint8Array, Uint8Array];
 * // Throws unless the second tree extends the first.
 * verifyConsistency({ fromSize: 1, fromRoot: a, toSize: 2, toRoot: hashChildren(a, b), proof: [b] });
 * ```
 */
export function verifyConsistency(claim: ConsistencyProof, hash: Hash = sha256): void {
  const { fromSize, toSize, toRoot } = claim;
  if (toRoot.length !== HASH_LENGTH) fail("a hash is not 32 bytes long");
  if (!equalBytes(rootByConsistency(claim, hash), toRoot))
    fail(
      fromSize === toSize
        ? "trees of equal size have different roots"
        : "the proof does not lead to the second root",
    );
}

/**
 * The second root that a consistency proof leads to from the first one, for who knows the second by a signature alone (RFC 9942).
 * @throws VerificationError `consistency-proof` where it does not begin at the first root, or leads to none.
 */
export function rootByConsistency(claim: Omit<ConsistencyProof, "toRoot">, hash: Hash = sha256): Uint8Array {
  const { fromSize, fromRoot, toSize, proof } = claim;
  if (!isTreeSize(fromSize) || !isTreeSize(toSize) || fromSize < 1 || fromSize > toSize) {
    fail(`${fromSize} and ${toSize} are not two sizes of a growing tree`);
  }
  if (![fromRoot, ...proof].every((h) => h.length === HASH_LENGTH)) fail("a hash is not 32 bytes long");
  if (fromSize === toSize) {
    if (proof.length > 0) fail("trees of equal size need no proof");
    return fromRoot;
  }
  const { oldRoot, newRoot } = replay(fromSize, toSize, fromRoot, proof, hash);
  if (!equalBytes(oldRoot, fromRoot)) fail("the proof does not lead to the first root");
  return newRoot;
}

/** Steps 1–6 of §2.1.4.2: the two roots that the proof leads to. */
function replay(
  fromSize: number,
  toSize: number,
  fromRoot: Uint8Array,
  proof: readonly Uint8Array[],
  hash: Hash,
): { oldRoot: Uint8Array; newRoot: Uint8Array } {
  let position = fromSize - 1;
  let last = toSize - 1;
  while (position % 2 === 1) {
    position = Math.floor(position / 2);
    last = Math.floor(last / 2);
  }
  // A first tree that is perfect is itself the first node, which the proof therefore leaves out (step 2).
  const [seed, ...rest] = position === 0 ? [fromRoot, ...proof] : proof;
  if (seed === undefined || proof.length === 0) return fail("the proof is empty");
  let oldRoot = seed;
  let newRoot = seed;
  for (const node of rest) {
    if (last === 0) fail("the proof is too long");
    if (position % 2 === 1 || position === last) {
      oldRoot = hashChildren(node, oldRoot, hash);
      newRoot = hashChildren(node, newRoot, hash);
      while (position % 2 === 0) {
        position /= 2;
        last = Math.floor(last / 2);
      }
    } else {
      newRoot = hashChildren(newRoot, node, hash);
    }
    position = Math.floor(position / 2);
    last = Math.floor(last / 2);
  }
  if (last !== 0) fail("the proof is too short");
  return { oldRoot, newRoot };
}

function fail(detail: string): never {
  throw new VerificationError<MerkleCode>("consistency-proof", `consistency proof: ${detail}`);
}

/**
 * The nodes each hash of the proof is made of, in the order of the proof, as in `inclusionProofNodes`.
 * @throws RangeError unless 1 ≤ `from` ≤ `to`.
 */
export function consistencyProofNodes(from: number, to: number): SubtreeNode[][] {
  if (!isTreeSize(from) || !isTreeSize(to) || from < 1 || from > to) {
    throw new RangeError(`there is no consistency proof from ${from} to ${to}`);
  }
  const ranges: LeafRange[] = [];
  let start = 0;
  let end = to;
  while (end !== from) {
    const middle = start + splitPoint(end - start);
    if (from <= middle) {
      ranges.push({ start: middle, end });
      end = middle;
    } else {
      ranges.push({ start, end: middle });
      start = middle;
    }
  }
  // A range from 0 is the whole first tree, whose root the verifier knows.
  if (start > 0) ranges.push({ start, end });
  return ranges.reverse().map(subtreesOf);
}

/**
 * The consistency proof between the trees of `from` and `to` leaves: 0 to 54 hashes; empty for equal sizes.
 * @example
 * ```ts
 * import { hashLeaf, proveConsistency, rootOf } from "touchstone/protocol";
 * const leaves = ["a", "b", "c"].map((text) => hashLeaf(new TextEncoder().encode(text)));
 * const proof = proveConsistency(2, 3, (level, index) => (level === 0 ? leaves[index] : rootOf(leaves.slice(0, 2))) as Uint8Array);
 * ```
 */
export function proveConsistency(
  from: number,
  to: number,
  readNode: ReadNode,
  hash: Hash = sha256,
): Uint8Array[] {
  return consistencyProofNodes(from, to).map((nodes) => hashSubtrees(nodes, readNode, hash));
}
