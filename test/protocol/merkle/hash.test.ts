import { createHash } from "node:crypto";
import fc from "fast-check";
import { MerkleTree } from "merkletreejs";
import { describe, expect, it } from "vitest";
import { encodeHex } from "../../../src/protocol/encoding/hex.ts";
import { utf8 } from "../../../src/protocol/encoding/text.ts";
import { EMPTY_ROOT, hashChildren, hashLeaf, rootOf } from "../../../src/protocol/merkle/hash.ts";
import { makeTree } from "../../support/tree.ts";

const sha256 = (data: Uint8Array): Buffer => createHash("sha256").update(data).digest();

/** merkletreejs as an RFC 6962 tree: our leaf hashes, 01 in front of every node, no duplicated last node. */
const oracle = (leaves: readonly Uint8Array[]): MerkleTree =>
  new MerkleTree(
    leaves.map((leaf) => Buffer.from(leaf)),
    (pair: Buffer) => sha256(Buffer.concat([Buffer.of(1), pair])),
    { duplicateOdd: false },
  );

describe("RFC 6962 hashing", () => {
  it("gives the empty tree the hash of nothing", () => {
    expect(encodeHex(EMPTY_ROOT)).toBe("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    expect(rootOf([])).toEqual(EMPTY_ROOT);
  });

  it("prefixes a leaf with 00 and a node with 01, so that an entry cannot pass for a node", () => {
    const left = hashLeaf(utf8("left"));
    const right = hashLeaf(utf8("right"));
    expect(left).toEqual(new Uint8Array(sha256(Buffer.concat([Buffer.of(0), Buffer.from("left")]))));
    expect(hashChildren(left, right)).toEqual(
      new Uint8Array(sha256(Buffer.concat([Buffer.of(1), left, right]))),
    );
    const forged = new Uint8Array(64);
    forged.set(left);
    forged.set(right, 32);
    expect(hashLeaf(forged)).not.toEqual(hashChildren(left, right));
  });

  it("gives the same tree with a native hash in place of the built-in one", () => {
    const { leaves, roots } = makeTree(67);
    expect(new Uint8Array(rootOf(leaves, sha256))).toEqual(roots[67]);
    expect(new Uint8Array(hashLeaf(utf8("entry"), sha256))).toEqual(hashLeaf(utf8("entry")));
  });

  it("has the roots of merkletreejs for every size from 1 to 130", () => {
    const { leaves, roots } = makeTree(130);
    for (let size = 1; size <= 130; size++) {
      const theirs = new Uint8Array(oracle(leaves.slice(0, size)).getRoot());
      expect(roots[size]).toEqual(theirs);
      expect(rootOf(leaves.slice(0, size))).toEqual(theirs);
    }
  });

  it("has the root of merkletreejs over arbitrary entries", () => {
    const entries = fc.array(fc.uint8Array({ maxLength: 80 }), { minLength: 1, maxLength: 300 });
    fc.assert(
      fc.property(entries, (list) => {
        const leaves = list.map((entry) => hashLeaf(entry));
        expect(rootOf(leaves)).toEqual(new Uint8Array(oracle(leaves).getRoot()));
      }),
      { numRuns: 40 },
    );
  });
});
