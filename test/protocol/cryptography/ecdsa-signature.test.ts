// DER and r‖s are two forms of one signature: what OpenSSL writes becomes r‖s, and nothing else is taken for it.
import { generateKeyPairSync, sign, verify } from "node:crypto";
import * as fc from "fast-check";
import { expect, it } from "vitest";
import { fromDer, fromIntegers } from "../../../src/protocol/cryptography/ecdsa-signature.ts";

const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
const key = { key: publicKey, dsaEncoding: "ieee-p1363" } as const;

it("turns every signature of OpenSSL into one that verifies", () => {
  for (let i = 0; i < 300; i++) {
    const message = Buffer.from(`message ${i}`);
    const raw = fromDer(sign("sha256", message, privateKey));
    expect(raw && verify("sha256", message, key, raw)).toBe(true);
  }
});

it("has one text for each: what is read is what would be written", () => {
  const der = (r: Uint8Array, s: Uint8Array) =>
    Uint8Array.of(0x30, r.length + s.length + 4, 2, r.length, ...r, 2, s.length, ...s);
  const integer = fc.uint8Array({ minLength: 1, maxLength: 33 });
  fc.assert(
    fc.property(integer, integer, (r, s) => {
      const read = fromDer(der(r, s));
      const minimal = [r, s].every(([first = 0, second = 0], i) => {
        const { length } = i === 0 ? r : s;
        return first < 0x80 && (first !== 0 || second >= 0x80) && (length < 33 || first === 0);
      });
      expect(read !== undefined).toBe(minimal);
      expect(fromIntegers(r, s)).toEqual(read);
    }),
    { numRuns: 2000 },
  );
});

it("reads no other bytes, and no signature with one bit of its frame changed", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => void fromDer(bytes)));
  const der = new Uint8Array(sign("sha256", Buffer.from("x"), privateKey));
  for (const at of [0, 1, 2, 3]) {
    const changed = der.slice();
    changed[at] = (changed[at] ?? 0) ^ 1;
    expect(fromDer(changed)).toBeUndefined();
  }
  for (let length = 0; length < der.length; length++)
    expect(fromDer(der.subarray(0, length))).toBeUndefined();
});
