// A tree of made-up leaves with every node at hand, for tests of proofs, tiles and notes.
import { CompactRange } from "../../src/protocol/merkle/compact-range.ts";
import { hashLeaf } from "../../src/protocol/merkle/hash.ts";
import type { ReadNode } from "../../src/protocol/merkle/subtree.ts";

export interface TestTree {
  readonly leaves: readonly Uint8Array[];
  /** Root at every size from 0 to that of the tree. */
  readonly roots: readonly Uint8Array[];
  readonly readNode: ReadNode;
}

/** Leaf i is the entry `entryOf(i)`, by default the two bytes of i. */
export function makeTree(
  size: number,
  entryOf: (i: number) => Uint8Array = (i) => Uint8Array.of(i >> 8, i & 255),
): TestTree {
  const nodes = new Map<string, Uint8Array>();
  const range = new CompactRange();
  const leaves: Uint8Array[] = [];
  const roots = [range.root()];
  for (let i = 0; i < size; i++) {
    const leaf = hashLeaf(entryOf(i));
    leaves.push(leaf);
    range.append(leaf, (level, index, hash) => nodes.set(`${level}/${index}`, hash));
    roots.push(range.root());
  }
  const readNode: ReadNode = (level, index) => {
    const hash = nodes.get(`${level}/${index}`);
    if (hash === undefined) throw new Error(`the tree has no node ${level}/${index}`);
    return hash;
  };
  return { leaves, roots, readNode };
}
