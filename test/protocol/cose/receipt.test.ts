// Receipts of RFC 9942: what is written is read and verified, and nothing else is.
import { encode, Tagged } from "cborg";
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { type Cbor, encodeCbor, map } from "../../../src/protocol/cose/cbor.ts";
import { type CoseSigner, encodeCoseSign1, signatureInput } from "../../../src/protocol/cose/cose-sign1.ts";
import {
  encodeReceipt,
  parseReceipt,
  type Receipt,
  signTree,
  verifyReceiptSignature,
} from "../../../src/protocol/cose/receipt.ts";
import { importPublicKey, type PublicKey } from "../../../src/protocol/cryptography/signature.ts";
import { decodeBase64 } from "../../../src/protocol/encoding/base64.ts";
import { concatBytes } from "../../../src/protocol/encoding/bytes.ts";
import { decodeHex, encodeHex } from "../../../src/protocol/encoding/hex.ts";
import { MalformedError } from "../../../src/protocol/errors.ts";
import { proveConsistency } from "../../../src/protocol/merkle/consistency.ts";
import { proveInclusion } from "../../../src/protocol/merkle/inclusion.ts";
import { generateP256Signer } from "../../support/cose-signers.ts";
import { coseSigner, testKey } from "../../support/keys.ts";
import { malformedOf, outcomeOf } from "../../support/refusals.ts";
import { makeTree } from "../../support/tree.ts";

const ORIGIN = "log.example/touchstone";
const { leaves, roots, readNode } = makeTree(10);

let ed25519: CoseSigner;
let p256: CoseSigner;
const keyOf = ({ spki }: CoseSigner): Promise<PublicKey> => importPublicKey(decodeBase64(spki));
const treeOf = (signer: CoseSigner, size: number) =>
  signTree(signer, { origin: ORIGIN, size, root: roots[size]! });

async function inclusionOf(signer: CoseSigner, index: number, size: number): Promise<Uint8Array> {
  const path = proveInclusion(index, size, readNode);
  return encodeReceipt(await treeOf(signer, size), { kind: "inclusion", size, index, path });
}
async function consistencyOf(signer: CoseSigner, fromSize: number, size: number): Promise<Uint8Array> {
  const path = proveConsistency(fromSize, size, readNode);
  return encodeReceipt(await treeOf(signer, size), { kind: "consistency", fromSize, size, path });
}

beforeAll(async () => {
  ed25519 = coseSigner(await testKey("receipts"));
  p256 = await generateP256Signer();
});

describe("a receipt", () => {
  it("of every entry and every size verifies under either algorithm, and leads to the root", async () => {
    for (const signer of [ed25519, p256])
      for (let size = 1; size <= 10; size++)
        for (let index = 0; index < size; index++) {
          const receipt = parseReceipt(await inclusionOf(signer, index, size));
          const root = await verifyReceiptSignature(receipt, leaves[index]!, await keyOf(signer));
          expect(root).toEqual(roots[size]);
          expect(receipt).toMatchObject({
            proof: { kind: "inclusion", index, size },
            keyId: signer.keyId,
            issuer: `https://${ORIGIN}`,
            subject: `touchstone:tree/${size}`,
          });
        }
  });

  it("of consistency verifies between every two sizes, powers of two among them", async () => {
    for (let size = 2; size <= 10; size++)
      for (let fromSize = 1; fromSize < size; fromSize++) {
        const receipt = parseReceipt(await consistencyOf(ed25519, fromSize, size));
        const root = await verifyReceiptSignature(receipt, roots[fromSize]!, await keyOf(ed25519));
        expect(root).toEqual(roots[size]);
        expect(receipt.proof).toMatchObject({ kind: "consistency", fromSize, size });
      }
  });

  it("is refused for another entry, another earlier tree, and under another key", async () => {
    const key = await keyOf(ed25519);
    const inclusion = parseReceipt(await inclusionOf(ed25519, 7, 9));
    const consistency = parseReceipt(await consistencyOf(ed25519, 6, 9));
    const says = (receipt: Receipt, known: Uint8Array, by = key) =>
      outcomeOf(() => verifyReceiptSignature(receipt, known, by));
    expect(await says(inclusion, leaves[6]!)).toBe("receipt-signature");
    expect(await says(consistency, roots[5]!)).toBe("consistency-proof");
    expect(await says(inclusion, leaves[7]!, await keyOf(p256))).toBe("receipt-signature");
    const other = await keyOf(coseSigner(await testKey("another log's receipts")));
    expect(await says(inclusion, leaves[7]!, other)).toBe("receipt-signature");
    expect(await says(inclusion, leaves[7]!)).toBe("accepted");
  });

  it("is read back as what it was written from", async () => {
    const hash = fc.uint8Array({ minLength: 32, maxLength: 32 });
    const path = fc.array(hash, { maxLength: 54 });
    const number = fc.maxSafeNat();
    const proof = fc.oneof(
      fc.record({ kind: fc.constant("inclusion" as const), size: number, index: number, path }),
      fc.record({ kind: fc.constant("consistency" as const), fromSize: number, size: number, path }),
    );
    const tree = await treeOf(ed25519, 9);
    fc.assert(
      fc.property(proof, (written) => {
        expect(parseReceipt(encodeReceipt(tree, written)).proof).toEqual(written);
      }),
    );
  });

  it("does not settle its size by the proof: who takes the size from there can be lied to", async () => {
    const honest = parseReceipt(await inclusionOf(ed25519, 7, 9));
    const path = { ...honest.proof, size: 16 };
    const key = await keyOf(ed25519);
    const root = await verifyReceiptSignature({ ...honest, proof: path }, leaves[7]!, key);
    expect(root).toEqual(roots[9]);
    expect(honest.subject).toBe("touchstone:tree/9");
  });

  it("of arbitrary bytes is refused and never breaks the parser", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        expect(() => parseReceipt(bytes)).toThrow(MalformedError);
      }),
    );
    const deep = new Uint8Array(4000).fill(0x81);
    expect(() => parseReceipt(deep)).toThrow(MalformedError);
  });
});

describe("a receipt that is not in its one form", () => {
  const PROOF = () => encodeCbor([9, 7, proveInclusion(7, 9, readNode)]);
  const VDP = () => map([396, map([-1, [PROOF()]])]);
  const PROTECTED = (): Array<readonly [number, Cbor]> => [
    [1, -8],
    [395, 1],
  ];

  /** Signs whatever is in the headers, as an honest key that is given to a careless program would. */
  async function forged(
    protectedHeader: Uint8Array,
    unprotected: ReadonlyMap<string | number, Cbor> = VDP(),
    payload: Uint8Array | null = null,
  ): Promise<Uint8Array> {
    const signature = await ed25519.sign(signatureInput(protectedHeader, roots[9]!));
    return encodeCoseSign1({ protectedHeader, signature }, payload, unprotected);
  }
  const outcome = async (bytes: Uint8Array) =>
    outcomeOf(async () => verifyReceiptSignature(parseReceipt(bytes), leaves[7]!, await keyOf(ed25519)));

  it("is told from one that is, which needs neither key id nor claims", async () => {
    expect(await outcome(await forged(encodeCbor(map(...PROTECTED()))))).toBe("accepted");
  });

  it("has its data structure in the unprotected header, where anybody can change it", async () => {
    const header = encodeCbor(map([1, -8]));
    expect(await outcome(await forged(header, map([395, 1], ...VDP())))).toBe("malformed");
    const both = map([395, 1], ...VDP());
    expect(await outcome(await forged(encodeCbor(map(...PROTECTED())), both))).toBe("malformed");
  });

  it.each([2, 0, "RFC9162_SHA256"])("has the data structure %s", async (vds) => {
    expect(await outcome(await forged(encodeCbor(map([1, -8], [395, vds]))))).toBe("malformed");
  });

  it("has a payload, be it the right root", async () => {
    const header = encodeCbor(map(...PROTECTED()));
    for (const payload of [roots[9]!, roots[8]!, new Uint8Array()])
      expect(await outcome(await forged(header, VDP(), payload))).toBe("malformed");
  });

  it.each([-7, -9, -35, 5, "EdDSA", undefined])(
    "has the algorithm %s under a key of another",
    async (alg) => {
      const header = encodeCbor(map([1, alg], [395, 1]));
      expect(await outcome(await forged(header))).toBe("receipt-signature");
    },
  );

  it("has a critical label, which nobody here understands", async () => {
    expect(await outcome(await forged(encodeCbor(map(...PROTECTED(), [2, [395]]))))).toBe("malformed");
  });

  it("has an index that is its size, or a path that is one hash too long or too short", async () => {
    const header = encodeCbor(map(...PROTECTED()));
    const path = proveInclusion(7, 9, readNode);
    const withProof = (...parts: readonly [number, number, Uint8Array[]]) =>
      forged(header, map([396, map([-1, [encodeCbor(parts)]])]));
    expect(await outcome(await withProof(9, 7, path))).toBe("accepted");
    expect(await outcome(await withProof(9, 9, path))).toBe("inclusion-proof");
    expect(await outcome(await withProof(9, 7, [...path, path[0]!]))).toBe("inclusion-proof");
    expect(await outcome(await withProof(9, 7, path.slice(1)))).toBe("inclusion-proof");
  });

  it("has two proofs, two kinds of them, none, another kind, or one that is not wrapped", async () => {
    const header = encodeCbor(map(...PROTECTED()));
    const proofs: ReadonlyArray<Cbor> = [
      map([-1, [PROOF(), PROOF()]]),
      map([-1, [PROOF()]], [-2, [PROOF()]]),
      map(),
      map([-1, []]),
      map([-3, [PROOF()]]),
      map([-1, PROOF()]),
      map([-1, [[9, 7, proveInclusion(7, 9, readNode)]]]),
      [PROOF()],
    ];
    for (const vdp of proofs) expect(await outcome(await forged(header, map([396, vdp])))).toBe("malformed");
    expect(await outcome(await forged(header, map()))).toBe("malformed");
    expect(await outcome(await forged(header, map(...VDP(), [999, 1])))).toBe("malformed");
  });

  it.each<readonly [string, Cbor]>([
    ["a hash of 31 bytes", [9, 7, [new Uint8Array(31)]]],
    ["a text for a number", ["9", 7, []]],
    ["a negative number", [9, -1, []]],
    ["a fraction", [9.5, 7, []]],
    ["one member more", [9, 7, [], 1]],
    ["one member less", [9, 7]],
    ["a map", map([1, 2])],
  ])("has a proof with %s", async (_, proof) => {
    const header = encodeCbor(map(...PROTECTED()));
    const vdp = map([396, map([-1, [encodeCbor(proof)]])]);
    expect(await outcome(await forged(header, vdp))).toBe("malformed");
  });

  it("is not tagged, tagged as something else, of three parts, or signed with 63 bytes", async () => {
    const header = encodeCbor(map(...PROTECTED()));
    const parts = [header, VDP(), null, new Uint8Array(64)];
    expect((await malformedOf(() => parseReceipt(encodeCbor(parts))))?.message).toContain("tag 18");
    expect((await malformedOf(() => parseReceipt(encodeCbor(new Tagged(98, parts)))))?.message).toContain(
      "tag",
    );
    expect(
      (await malformedOf(() => parseReceipt(encodeCbor(new Tagged(18, parts.slice(1))))))?.message,
    ).toContain("tag 18");
    const short = [...parts.slice(0, 3), new Uint8Array(63)];
    expect((await malformedOf(() => parseReceipt(encodeCbor(new Tagged(18, short)))))?.message).toContain(
      "64 bytes",
    );
  });

  it("has a label twice in its protected header", async () => {
    expect(await outcome(await forged(decodeHex("a3012701271901 8b01".replace(" ", ""))))).toBe("malformed");
  });

  it("is written in indefinite or longer lengths, or has bytes after its end", async () => {
    const good = await forged(encodeCbor(map(...PROTECTED())));
    expect(await outcome(concatBytes(good, Uint8Array.of(0)))).toBe("malformed");
    const indefinite = concatBytes(Uint8Array.of(0xd2, 0x9f), good.subarray(2), Uint8Array.of(0xff));
    expect(await outcome(indefinite)).toBe("malformed");
    const longer = concatBytes(Uint8Array.of(0xd2, 0x98, 0x04), good.subarray(2));
    expect(await outcome(longer)).toBe("malformed");
    expect(await outcome(await forged(decodeHex("bf012719018b01ff")))).toBe("malformed");
    const inner = concatBytes(Uint8Array.of(0x9f), PROOF().subarray(1), Uint8Array.of(0xff));
    expect(await outcome(await forged(encodeCbor(map(...PROTECTED())), map([396, map([-1, [inner]])])))).toBe(
      "malformed",
    );
    const float = concatBytes(decodeHex("83fb4022000000000000"), PROOF().subarray(2));
    expect(await outcome(await forged(encodeCbor(map(...PROTECTED())), map([396, map([-1, [float]])])))).toBe(
      "malformed",
    );
  });

  it("has a floating-point number for a label or an algorithm, which is the same number to JavaScript alone", async () => {
    const half = { 395: "f95e2c", 396: "f95e30", "-8": "f9c800" };
    const good = encodeHex(await forged(encodeCbor(map(...PROTECTED()))));
    expect(await outcome(decodeHex(good.replace("19018c", half[396])))).toBe("malformed");
    const header = encodeHex(encodeCbor(map(...PROTECTED())));
    expect(await outcome(await forged(decodeHex(header.replace("19018b", half[395]))))).toBe("malformed");
    expect(await outcome(await forged(decodeHex(header.replace("0127", `01${half["-8"]}`))))).toBe(
      "malformed",
    );
  });

  it("is longer than a receipt can be", async () => {
    expect((await malformedOf(() => parseReceipt(new Uint8Array(4097))))?.message).toContain(
      "longer than 4096",
    );
  });

  it("may order its protected labels as RFC 7049 did: COSE signs the bytes that are there", async () => {
    const header = encode(
      new Map<number, number>([
        [395, 1],
        [1, -8],
      ]),
      { mapSorter: () => 0 },
    );
    expect(await outcome(await forged(header))).toBe("accepted");
  });
});
