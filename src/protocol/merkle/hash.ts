// Hashes the leaves and nodes of the Merkle tree: RFC 6962 §2.1 (RFC 9162 §2.1.1) with SHA-256. Leaves and nodes are told apart by their
// first byte, so that no entry can pass for an inner node.

import { type Hash, sha256 } from "../cryptography/hash.ts";

/** Bytes of every hash in the tree. */
export const HASH_LENGTH = 32;

/** The root of a tree without entries: SHA-256 of nothing. */
export const EMPTY_ROOT: Uint8Array = sha256(new Uint8Array(0));

/** The largest tree: sizes and indexes are exact JavaScript integers. */
export const MAX_TREE_SIZE = Number.MAX_SAFE_INTEGER;

const LEAF_PREFIX = 0x00;
const NODE_PREFIX = 0x01;

/**
 * The leaf hash of an entry: `SHA-256(00 ‖ entry)`, 32 bytes.
 * @param hash a SHA-256; Node passes its native one.
 * @example
 * ```ts
 * import { type Envelope, hashLeaf } from "touchstone/protocol";
 * const leafHashOf = ({ leaf }: Envelope): Uint8Array => hashLeaf(leaf);
 * ```
 */
export function hashLeaf(entry: Uint8Array, hash: Hash = sha256): Uint8Array {
  const input = new Uint8Array(1 + entry.length);
  input[0] = LEAF_PREFIX;
  input.set(entry, 1);
  return hash(input);
}

/** The one input buffer of all nodes: an allocation for each of millions would cost more than its hash. */
const nodeInput = new Uint8Array(1 + 2 * HASH_LENGTH).fill(NODE_PREFIX, 0, 1);

/**
 * The hash of an inner node: `SHA-256(01 ‖ left ‖ right)`, 32 bytes. Both children are 32 bytes long.
 * @example
 * ```ts
 * import { hashChildren, hashLeaf } from "touchstone/protocol";
 * const leaf = hashLeaf(new Uint8Array());
 * const root = hashChildren(leaf, leaf); // 32 bytes
 * ```
 */
export function hashChildren(left: Uint8Array, right: Uint8Array, hash: Hash = sha256): Uint8Array {
  nodeInput.set(left, 1);
  nodeInput.set(right, 1 + HASH_LENGTH);
  return hash(nodeInput);
}

/**
 * The root of the tree over these leaf hashes (32 bytes each), all of it held in memory.
 * @example
 * ```ts
 * import { hashLeaf, rootOf } from "touchstone/protocol";
 * const root = rootOf([hashLeaf(new Uint8Array([1])), hashLeaf(new Uint8Array([2]))]);
 * ```
 */
export function rootOf(leafHashes: readonly Uint8Array[], hash: Hash = sha256): Uint8Array {
  let level = leafHashes;
  while (level.length > 1) level = hashPairs(level, hash);
  return level[0] ?? EMPTY_ROOT;
}

/** One level up. A last node without a sibling rises unchanged: RFC 6962 never hashes a node with itself. */
function hashPairs(nodes: readonly Uint8Array[], hash: Hash): Uint8Array[] {
  const parents: Uint8Array[] = [];
  for (let i = 0; i < nodes.length; i += 2) {
    const left = nodes[i] as Uint8Array;
    const right = nodes[i + 1];
    parents.push(right === undefined ? left : hashChildren(left, right, hash));
  }
  return parents;
}
