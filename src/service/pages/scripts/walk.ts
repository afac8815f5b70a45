// Follows an inclusion proof for the eye: the nodes from the leaf up to the root, each with the sibling that made it (RFC 9162 §2.1.3.2).
// It draws; whether the proof is right is decided by verifyInclusion.
import { hashChildren } from "../../../protocol/merkle/hash.ts";

export interface WalkedNode {
  readonly node: Uint8Array;
  /** Null for the leaf itself. */
  readonly sibling: Uint8Array | null;
  readonly side: "left" | "right" | null;
}

export function walk(
  index: number,
  size: number,
  leafHash: Uint8Array,
  proof: readonly Uint8Array[],
): WalkedNode[] {
  const nodes: WalkedNode[] = [{ node: leafHash, sibling: null, side: null }];
  let position = index;
  let last = size - 1;
  let node = leafHash;
  for (const sibling of proof) {
    const isRight = position % 2 === 1 || position === last;
    node = isRight ? hashChildren(sibling, node) : hashChildren(node, sibling);
    nodes.push({ node, sibling, side: isRight ? "left" : "right" });
    if (isRight) {
      while (position % 2 === 0 && position > 0) {
        position /= 2;
        last = Math.floor(last / 2);
      }
    }
    position = Math.floor(position / 2);
    last = Math.floor(last / 2);
  }
  return nodes;
}
