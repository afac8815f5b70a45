import { expect, it } from "vitest";
import { SignatureMemo } from "../../../src/verifier/x509/signature-memo.ts";

const SIGNED = {
  signedBytes: Uint8Array.of(1, 2, 3),
  algorithm: "ecdsa-p384-sha384",
  signature: Uint8Array.of(4, 5, 6),
} as const;
const KEY = Uint8Array.of(7, 8, 9);

it("verifies a signature once, found good or not, also while it is under way", async () => {
  for (const good of [true, false]) {
    const memo = new SignatureMemo();
    let verified = 0;
    const verify = () => {
      verified++;
      return Promise.resolve(good);
    };
    const ask = () => memo.once(SIGNED, KEY, verify);
    expect(await Promise.all([ask(), ask()])).toEqual([good, good]);
    expect([await ask(), verified]).toEqual([good, 1]);
  }
});

it.each([
  ["signed bytes", { ...SIGNED, signedBytes: Uint8Array.of(1, 2, 4) }, KEY],
  ["signed bytes, more of them", { ...SIGNED, signedBytes: Uint8Array.of(1, 2, 3, 0) }, KEY],
  ["algorithm", { ...SIGNED, algorithm: "ecdsa-p256-sha256" } as const, KEY],
  ["signature", { ...SIGNED, signature: Uint8Array.of(4, 5, 7) }, KEY],
  ["key", SIGNED, Uint8Array.of(7, 8, 8)],
])("asks again for another %s", async (_what, signed, key) => {
  const memo = new SignatureMemo();
  expect(await memo.once(SIGNED, KEY, () => Promise.resolve(true))).toBe(true);
  expect(await memo.once(signed, key, () => Promise.resolve(false))).toBe(false);
});
