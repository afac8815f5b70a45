// Splits ranges of leaves into the perfect subtrees they are made of (RFC 9162 §2.1.2). Everything is plain arithmetic on safe integers:
// bit operators would cut sizes above 2^32.

import { type Hash, sha256 } from "../cryptography/hash.ts";
import { hashChildren } from "./hash.ts";

/** A perfect subtree: the root over the leaves from `index · 2^level` up to `(index + 1) · 2^level`. Level 0 is the leaves. */
export interface SubtreeNode {
  readonly level: number;
  readonly index: number;
}

/** Gives the 32-byte hash of a perfect subtree. A store, a tile or a map of fetched nodes stands behind it. */
export type ReadNode = (level: number, index: number) => Uint8Array;

/** Leaves from `start` up to, not including, `end`. */
export interface LeafRange {
  readonly start: number;
  readonly end: number;
}

/** Whether `size` can be the size of a tree: an integer from 0 to 2^53 − 1. */
export function isTreeSize(size: number): boolean {
  return Number.isSafeInteger(size) && size >= 0;
}

/** Where RFC 9162 splits a tree of `count` ≥ 2 leaves: the largest power of two smaller than `count`. */
export function splitPoint(count: number): number {
  let power = 1;
  while (power < count - power) power *= 2;
  return power;
}

/**
 * The perfect subtrees, from left to right and from high to low, whose leaves are exactly the range.
 * @param range one that the recursive split of a tree reaches: `start` is a multiple of the smallest power of two ≥ its length.
 */
export function subtreesOf(range: LeafRange): SubtreeNode[] {
  const nodes: SubtreeNode[] = [];
  let start = range.start;
  let level = 0;
  let width = 1;
  while (width * 2 <= range.end - start) {
    width *= 2;
    level++;
  }
  while (start < range.end) {
    while (width > range.end - start) {
      width /= 2;
      level--;
    }
    nodes.push({ level, index: start / width });
    start += width;
  }
  return nodes;
}

/** The hash over a run of perfect subtrees as {@link subtreesOf} orders them, joined from the right. At least one is needed. */
export function hashSubtrees(
  nodes: readonly SubtreeNode[],
  readNode: ReadNode,
  hash: Hash = sha256,
): Uint8Array {
  return joinHashes(
    nodes.map(({ level, index }) => readNode(level, index)),
    hash,
  );
}

/** Joins the roots of adjacent subtrees, the largest first, into the root over all of them. At least one is needed. */
export function joinHashes(hashes: readonly Uint8Array[], hash: Hash = sha256): Uint8Array {
  return hashes.reduceRight((right, left) => hashChildren(left, right, hash));
}
