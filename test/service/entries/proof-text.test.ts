// The proof files that are answered are those of the protocol, byte for byte.
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { formatTlogProof } from "../../../src/protocol/note/tlog-proof.ts";
import { hashEncoder, proofFileText } from "../../../src/service/entries/proof-text.ts";

test("a proof file for an answer is what formatTlogProof writes", () => {
  const hash = fc.uint8Array({ minLength: 32, maxLength: 32 });
  fc.assert(
    fc.property(
      fc.maxSafeNat(),
      fc.array(hash, { maxLength: 53 }),
      fc.string(),
      (index, proof, checkpoint) => {
        expect(proofFileText({ index, proof, checkpoint })).toBe(
          formatTlogProof({ index, proof, checkpoint }),
        );
      },
    ),
  );
});

test("hashes are elements of a JSON array as base64 writes each of them, whatever was encoded before", () => {
  const encode = hashEncoder();
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ minLength: 32, maxLength: 32 }), { maxLength: 64 }), (hashes) => {
      const expected = hashes.map((hash) => Buffer.from(hash).toString("base64"));
      expect(`[${encode(hashes)}]`).toBe(JSON.stringify(expected));
    }),
  );
});
