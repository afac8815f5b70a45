// The proof files that are answered are those of the protocol, byte for byte.
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { formatTlogProof } from "../../../src/protocol/note/tlog-proof.ts";
import { proofFileText } from "../../../src/service/entries/proof-text.ts";

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
