import { createHash } from "node:crypto";
import fc from "fast-check";
import { expect, it } from "vitest";
import { sha256, sha384, sha512 } from "../../../src/protocol/cryptography/hash.ts";
import { encodeHex } from "../../../src/protocol/encoding/hex.ts";

it("the hash functions are those of Node", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (data) => {
      for (const [name, hash] of [
        ["sha256", sha256] as const,
        ["sha384", sha384] as const,
        ["sha512", sha512] as const,
      ]) {
        expect(encodeHex(hash(data))).toBe(createHash(name).update(data).digest("hex"));
      }
    }),
  );
});
