// Proofs of github.com/transparency-dev/merkle (testdata).
import { expect, it } from "vitest";
import { VerificationError } from "../../src/protocol/errors.ts";
import { verifyConsistency } from "../../src/protocol/merkle/consistency.ts";
import { verifyInclusion } from "../../src/protocol/merkle/inclusion.ts";
import { describeReal, realJson } from "../support/real-data.ts";

interface InclusionCase {
  name: string;
  leafIdx: string;
  treeSize: string;
  root: string;
  leafHash: string;
  proof: string[] | null;
  wantErr: boolean;
}

interface ConsistencyCase {
  name: string;
  size1: string;
  size2: string;
  root1: string;
  root2: string;
  proof: string[] | null;
  wantErr: boolean;
}

const bytes = (base64: string): Uint8Array => new Uint8Array(Buffer.from(base64, "base64"));

function isRefused(verify: () => void): boolean {
  try {
    verify();
    return false;
  } catch (error) {
    if (!(error instanceof VerificationError)) throw error;
    return true;
  }
}

describeReal("vectors/merkle", () => {
  it("inclusion.json: 98 inclusion proofs, 6 of them good", () => {
    const cases = realJson<InclusionCase[]>("vectors/merkle/inclusion.json");
    for (const c of cases) {
      const claim = {
        index: Number(c.leafIdx),
        size: Number(c.treeSize),
        leafHash: bytes(c.leafHash),
        root: bytes(c.root),
        proof: (c.proof ?? []).map(bytes),
      };
      // Roots and leaf hashes that are not hashes are refused, also in the one "good" case made of them.
      const notHashes = claim.root.length !== 32 || claim.leafHash.length !== 32;
      expect(
        isRefused(() => verifyInclusion(claim)),
        c.name,
      ).toBe(c.wantErr || notHashes);
    }
    expect([cases.length, cases.filter((c) => !c.wantErr).length]).toEqual([98, 6]);
  });

  it("consistency.json: 98 consistency proofs, 6 of them good, one of those over roots of 12 bytes, refused here", () => {
    const cases = realJson<ConsistencyCase[]>("vectors/merkle/consistency.json");
    const differing: string[] = [];
    for (const c of cases) {
      const refused = isRefused(() =>
        verifyConsistency({
          fromSize: Number(c.size1),
          fromRoot: bytes(c.root1),
          toSize: Number(c.size2),
          toRoot: bytes(c.root2),
          proof: (c.proof ?? []).map(bytes),
        }),
      );
      if (refused !== c.wantErr) differing.push(c.name);
    }
    expect(differing).toEqual(["additional/sizes-are-equal-one-and-proof-is-empty"]);
    expect([cases.length, cases.filter((c) => !c.wantErr).length]).toEqual([98, 6]);
  });
});
