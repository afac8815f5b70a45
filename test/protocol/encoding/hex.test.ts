import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeHex, encodeHex } from "../../../src/protocol/encoding/hex.ts";
import { MalformedError } from "../../../src/protocol/errors.ts";

describe("hex", () => {
  it("writes what Node writes and reads it back", () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        expect(encodeHex(bytes)).toBe(Buffer.from(bytes).toString("hex"));
        expect(decodeHex(encodeHex(bytes))).toEqual(bytes);
      }),
    );
  });

  it.each(["a", "AB", "aB", "0x00", "g0", " 00", "00\n", "0\u0660"])("refuses %j", (text) => {
    expect(() => decodeHex(text)).toThrow(MalformedError);
  });
});
