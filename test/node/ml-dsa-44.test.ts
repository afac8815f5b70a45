// OpenSSL and portable code sign and verify one ML-DSA-44. Where Node does not have it, portable code stands in, and both sides are that.
import fc from "fast-check";
import { expect, it } from "vitest";
import { signingMlDsaNatively, verifyMlDsa44Natively } from "../../src/node/ml-dsa-44.ts";
import { utf8 } from "../../src/protocol/encoding/text.ts";
import { COSIGNATURE_ML_DSA_44 } from "../../src/protocol/note/key.ts";
import { verifyMlDsa44 } from "../../src/protocol/note/ml-dsa-44.ts";
import { testKey } from "../support/notes.ts";

const key = await testKey("pq.example", COSIGNATURE_ML_DSA_44);
const { publicKey } = key.verifierKey;
const native = signingMlDsaNatively(key);
const MESSAGE = utf8("what was signed");

it("each accepts what the other signed, and neither another message", async () => {
  for (const signer of [key, native]) {
    const signature = await signer.signBytes(MESSAGE);
    expect(signature).toHaveLength(2420);
    for (const verify of [verifyMlDsa44, verifyMlDsa44Natively]) {
      expect(await verify(publicKey, MESSAGE, signature)).toBe(true);
      expect(await verify(publicKey, utf8("something else"), signature)).toBe(false);
    }
  }
});

it("both refuse a signature with any one byte changed", async () => {
  const signature = await native.signBytes(MESSAGE);
  await fc.assert(
    fc.asyncProperty(fc.nat(2419), fc.integer({ min: 1, max: 255 }), async (at, bits) => {
      const changed = signature.slice();
      changed[at] = (changed[at] ?? 0) ^ bits;
      expect(await verifyMlDsa44(publicKey, MESSAGE, changed)).toBe(false);
      expect(await verifyMlDsa44Natively(publicKey, MESSAGE, changed)).toBe(false);
    }),
    { numRuns: 40 },
  );
});

it("the public half of a seed is the same for both", async () => {
  expect(native.verifierKey).toEqual(key.verifierKey);
  expect(await verifyMlDsa44Natively(publicKey, MESSAGE, await native.signBytes(MESSAGE))).toBe(true);
});
