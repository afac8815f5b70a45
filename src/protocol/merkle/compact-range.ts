// Keeps the right edge of a growing tree: the roots of its perfect subtrees, at most 53 hashes, from which the root follows and to
// which leaves are appended without reading anything else (RFC 9162 §2.1.2).

import { type Hash, sha256 } from "../cryptography/hash.ts";
import { EMPTY_ROOT, hashChildren, MAX_TREE_SIZE } from "./hash.ts";
import { joinHashes, type ReadNode, subtreesOf } from "./subtree.ts";

/** Told of every perfect subtree that an appended leaf completes, the leaf itself (level 0) first. */
export type OnNode = (level: number, index: number, hash: Uint8Array) => void;

export class CompactRange {
  readonly #hash: Hash;
  /** Roots of the perfect subtrees, the largest and leftmost first. */
  #edge: Uint8Array[] = [];
  #size = 0;

  /** An empty tree. */
  constructor(hash: Hash = sha256) {
    this.#hash = hash;
  }

  /** The right edge of an existing tree of `size` leaves, read from its nodes. */
  static fromNodes(size: number, readNode: ReadNode, hash: Hash = sha256): CompactRange {
    const range = new CompactRange(hash);
    range.#edge = subtreesOf({ start: 0, end: size }).map(({ level, index }) => readNode(level, index));
    range.#size = size;
    return range;
  }

  /** Leaves appended so far. */
  get size(): number {
    return this.#size;
  }

  /** Appends a leaf hash (32 bytes) and reports the nodes it completes: what a store writes into tiles. */
  append(leafHash: Uint8Array, onNode?: OnNode): void {
    if (this.#size >= MAX_TREE_SIZE) throw new RangeError(`the tree is full at ${MAX_TREE_SIZE} entries`);
    let node = leafHash;
    let index = this.#size;
    onNode?.(0, index, node);
    for (let level = 1; index % 2 === 1; level++) {
      node = hashChildren(this.#edge.pop() as Uint8Array, node, this.#hash);
      index = (index - 1) / 2;
      onNode?.(level, index, node);
    }
    this.#edge.push(node);
    this.#size++;
  }

  /** The root of the tree as it is now, 32 bytes. */
  root(): Uint8Array {
    return this.#size === 0 ? EMPTY_ROOT : joinHashes(this.#edge, this.#hash);
  }
}
