import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeUtf8, utf8 } from "../../../src/protocol/encoding/text.ts";
import { MalformedError } from "../../../src/protocol/errors.ts";
import { malformedOf } from "../../support/refusals.ts";

describe("UTF-8", () => {
  it("gives back every well-formed text", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        expect(decodeUtf8(utf8(text))).toBe(text);
      }),
    );
  });

  it("keeps a byte order mark, which a digest covers", () => {
    expect(decodeUtf8(Uint8Array.of(0xef, 0xbb, 0xbf, 0x61))).toBe("\ufeffa");
  });

  it.each([
    ["a stray byte", [0xff]],
    ["an overlong form", [0xc0, 0x80]],
    ["an encoded surrogate", [0xed, 0xa0, 0x80]],
    ["a sequence cut short", [0xe2, 0x80]],
    ["a code point above U+10FFFF", [0xf4, 0x90, 0x80, 0x80]],
  ])("refuses %s instead of replacing it", (_, bytes) => {
    expect(() => decodeUtf8(Uint8Array.from(bytes))).toThrow(MalformedError);
  });

  it("reads bytes only as what they are the encoding of", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 12 }), async (bytes) => {
        await malformedOf(() => expect(utf8(decodeUtf8(bytes))).toEqual(bytes));
      }),
      { numRuns: 1000 },
    );
  });
});
