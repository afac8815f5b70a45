// A log's receipts by its trust root: what the library answers to honest ones, and to everything that somebody else made of them.
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import type { CoseSigner } from "../../../src/protocol/cose/cose-sign1.ts";
import { encodeReceipt, signTree } from "../../../src/protocol/cose/receipt.ts";
import { concatBytes } from "../../../src/protocol/encoding/bytes.ts";
import { proveConsistency } from "../../../src/protocol/merkle/consistency.ts";
import { proveInclusion } from "../../../src/protocol/merkle/inclusion.ts";
import { verifyReceipt } from "../../../src/verifier/receipt/verify-receipt.ts";
import { generateP256Signer } from "../../support/cose-signers.ts";
import { coseSigner, testKey } from "../../support/keys.ts";
import { outcomeOf } from "../../support/refusals.ts";
import { makeTree } from "../../support/tree.ts";

const ORIGIN = "log.example/touchstone";
const entryOf = (i: number) => Uint8Array.of(0, i);
const { roots, readNode } = makeTree(10, entryOf);

let signer: CoseSigner;
const rootWith = (...keys: CoseSigner[]) => ({
  origin: ORIGIN,
  version: 1,
  receiptKeys: keys.map(({ spki }) => spki),
});

/** An entry's receipt; what is told of the tree may be a lie. */
async function receiptOf(
  index: number,
  size: number,
  { by = signer, origin = ORIGIN, named = size } = {},
): Promise<Uint8Array> {
  const tree = await signTree(by, { origin, size: named, root: roots[size]! });
  return encodeReceipt(tree, { kind: "inclusion", size, index, path: proveInclusion(index, size, readNode) });
}

beforeAll(async () => {
  signer = coseSigner(await testKey("receipts"));
});

describe("a receipt of the log", () => {
  it("is accepted for its entry, and says where the entry is", async () => {
    const p256 = await generateP256Signer();
    for (const by of [signer, p256]) {
      const verified = await verifyReceipt(await receiptOf(7, 9, { by }), entryOf(7), rootWith(signer, p256));
      expect(verified).toMatchObject({
        proof: { index: 7, size: 9 },
        root: roots[9],
        key: { keyId: by.keyId },
      });
    }
  });

  it("is accepted of consistency, for the root of the earlier tree", async () => {
    const tree = await signTree(signer, { origin: ORIGIN, size: 9, root: roots[9]! });
    const path = proveConsistency(4, 9, readNode);
    const bytes = encodeReceipt(tree, { kind: "consistency", fromSize: 4, size: 9, path });
    const verified = await verifyReceipt(bytes, roots[4]!, rootWith(signer));
    expect(verified).toMatchObject({ proof: { fromSize: 4, size: 9 }, root: roots[9] });
    expect(await outcomeOf(() => verifyReceipt(bytes, roots[3]!, rootWith(signer)))).toBe(
      "receipt-signature",
    );
  });

  it("with any byte changed, dropped or added is refused", async () => {
    const whole = await receiptOf(7, 9);
    const judge = (bytes: Uint8Array) => outcomeOf(() => verifyReceipt(bytes, entryOf(7), rootWith(signer)));
    expect(await judge(whole)).toBe("accepted");
    await fc.assert(
      fc.asyncProperty(fc.nat(whole.length - 1), fc.integer({ min: 1, max: 255 }), async (at, change) => {
        const rest = whole.subarray(at);
        const flipped = whole.map((byte, i) => (i === at ? byte ^ change : byte));
        const added = concatBytes(whole.subarray(0, at), Uint8Array.of(change), rest);
        const dropped = concatBytes(whole.subarray(0, at), rest.subarray(1));
        for (const bytes of [flipped, added, dropped]) expect(await judge(bytes)).not.toBe("accepted");
      }),
      { numRuns: 400 },
    );
  });
});

describe("what is no receipt of the log", () => {
  const judge = (bytes: Uint8Array, entry = entryOf(7), root = rootWith(signer)) =>
    outcomeOf(() => verifyReceipt(bytes, entry, root));

  it("is of another entry", async () => {
    expect(await judge(await receiptOf(6, 9))).toBe("receipt-signature");
  });

  it("is by a key that the trust root does not list, of another log for one", async () => {
    const other = coseSigner(await testKey("another log's receipts"));
    expect(await judge(await receiptOf(7, 9, { by: other }))).toBe("receipt-key");
    expect(await judge(await receiptOf(7, 9), entryOf(7), rootWith())).toBe("receipt-key");
  });

  it("is by a key of several logs, and of another one", async () => {
    expect(await judge(await receiptOf(7, 9, { origin: "other.example/log" }))).toBe("receipt-tree");
  });

  it("was signed for another size, for which another trust root may list another key", async () => {
    expect(await judge(await receiptOf(7, 9, { named: 10 }))).toBe("receipt-tree");
    const tree = await signTree(signer, { origin: ORIGIN, size: 9, root: roots[9]! });
    const path = proveInclusion(7, 9, readNode);
    const stretched = encodeReceipt(tree, { kind: "inclusion", size: 16, index: 7, path });
    expect(await judge(stretched)).toBe("receipt-tree");
  });
});
