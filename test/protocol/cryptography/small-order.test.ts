// Points of small order: all of them, in every encoding of 32 bytes, and no others.
import fc from "fast-check";
import { expect, it } from "vitest";
import {
  ed25519Spki,
  importPublicKey,
  verifySignature,
} from "../../../src/protocol/cryptography/signature.ts";
import { isSmallOrder } from "../../../src/protocol/cryptography/small-order.ts";
import { decodeHex } from "../../../src/protocol/encoding/hex.ts";

const P = 2n ** 255n - 19n;

/** The encoding of a y coordinate, reduced or not, with the sign of x. */
function encode(y: bigint, sign: 0 | 1): Uint8Array {
  const bytes = Uint8Array.from({ length: 32 }, (_, i) => Number((y >> BigInt(8 * i)) & 0xffn));
  bytes[31] = (bytes[31] ?? 0) | (sign << 7);
  return bytes;
}

const decode = (hex: string) =>
  BigInt(
    `0x${[...decodeHex(hex)]
      .reverse()
      .map((byte) => byte.toString(16).padStart(2, "0"))
      .join("")}`,
  );
const ORDER_8 = [
  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
].map(decode);

it("are found by their y, with either sign, reduced or not", () => {
  for (const y of [0n, 1n, P - 1n, P, P + 1n, ...ORDER_8])
    for (const sign of [0, 1] as const) expect(isSmallOrder(encode(y, sign)), `${y}`).toBe(true);
});

it("eight times a point of order 8 is the neutral one: their y solves the equation for that", () => {
  // A point of order 8 doubles to one of order 4, whose y is 0: y² + x² = 0, so with the curve's equation d·y⁴ + 2·y² − 1 = 0.
  const d = 37095705934669439343138083508754565189542113879843219016388785533085940283555n;
  for (const y of ORDER_8) expect((((d * y ** 4n + 2n * y ** 2n - 1n) % P) + P) % P).toBe(0n);
});

it("are not the neighbours of those, nor any key that was drawn", async () => {
  for (const y of [2n, P - 2n, P + 2n, ...ORDER_8.flatMap((y) => [y - 1n, y + 1n])])
    expect(isSmallOrder(encode(y, 0)), `${y}`).toBe(false);
  await fc.assert(
    fc.property(fc.bigInt({ min: 2n, max: P - 2n }), (y) => {
      expect(isSmallOrder(encode(y, 0))).toBe(ORDER_8.includes(y));
    }),
  );
});

it("verify nothing, though the equation holds: the key 1, R = 1 and S = 0 for every message", async () => {
  const one = encode(1n, 0);
  const key = await importPublicKey(ed25519Spki(one));
  const signature = new Uint8Array(64);
  signature.set(one);
  expect(await verifySignature(key, Uint8Array.of(1, 2, 3), signature)).toBe(false);
});
