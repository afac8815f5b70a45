// application/ohttp-keys (RFC 9458 §3): only keys of the one suite are taken, and only from a list that is whole.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { concatBytes } from "../../src/protocol/encoding/bytes.ts";
import { decodeHex } from "../../src/protocol/encoding/hex.ts";
import { MalformedError } from "../../src/protocol/errors.ts";
import {
  encodeKeyConfigurations,
  type KeyConfiguration,
  parseKeyConfigurations,
} from "../../src/sealed/oblivious-http/key-configuration.ts";

const key = (id: number): KeyConfiguration => ({ id, publicKey: new Uint8Array(32).fill(id + 1) });
const withLength = (entry: Uint8Array) => concatBytes(Uint8Array.of(0, entry.length), entry);

describe("a list of keys", () => {
  test("is read as it was written", () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat(255), { maxLength: 8 }), (ids) => {
        const keys = ids.map(key);
        expect(parseKeyConfigurations(encodeKeyConfigurations(keys))).toEqual(keys);
      }),
    );
  });

  test("is refused wherever it is cut but between two keys, and with a byte too many", () => {
    const list = encodeKeyConfigurations([key(1), key(2)]);
    for (let length = 1; length < list.length; length++)
      if (length !== list.length / 2)
        expect(() => parseKeyConfigurations(list.subarray(0, length))).toThrow(MalformedError);
    expect(() => parseKeyConfigurations(concatBytes(list, Uint8Array.of(0)))).toThrow(MalformedError);
  });

  test("never throws anything but MalformedError", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        try {
          parseKeyConfigurations(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(MalformedError);
        }
      }),
    );
  });

  test("passes over what is of another suite", () => {
    const entries = [
      // P-256, a KEM that nobody knows, X25519 with AES-256-GCM and ChaCha20-Poly1305 only.
      concatBytes(decodeHex("010010"), new Uint8Array(65), decodeHex("000400010001")),
      decodeHex("02647a00"),
      concatBytes(decodeHex("030020"), new Uint8Array(32), decodeHex("00080001000200010003")),
    ].map(withLength);
    expect(parseKeyConfigurations(concatBytes(...entries))).toEqual([]);
    const among = withLength(
      concatBytes(decodeHex("040020"), key(4).publicKey, decodeHex("00080001000300010001")),
    );
    expect(parseKeyConfigurations(concatBytes(...entries, among))).toEqual([key(4)]);
    expect(parseKeyConfigurations(new Uint8Array())).toEqual([]);
  });

  test.each([
    ["two of one number", encodeKeyConfigurations([key(7), key(7)]), /two keys have the number 7/],
    [
      "no suites",
      withLength(concatBytes(decodeHex("010020"), new Uint8Array(32), decodeHex("0000"))),
      /suites/,
    ],
    [
      "half a suite",
      withLength(concatBytes(decodeHex("010020"), new Uint8Array(32), decodeHex("00020001"))),
      /suites/,
    ],
    [
      "a byte after the suites",
      withLength(concatBytes(decodeHex("010020"), new Uint8Array(32), decodeHex("00040001000100"))),
      /suites/,
    ],
    ["more than 16 KiB", new Uint8Array(16 * 1024 + 1), /more than/],
  ])("is refused: %s", (_, bytes, message) => {
    expect(() => parseKeyConfigurations(bytes)).toThrow(MalformedError);
    expect(() => parseKeyConfigurations(bytes)).toThrow(message);
  });
});
