import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeBase64, encodeBase64 } from "../../../src/protocol/encoding/base64.ts";
import { MalformedError } from "../../../src/protocol/errors.ts";
import { malformedOf } from "../../support/refusals.ts";

describe("base64", () => {
  it("has the test vectors of RFC 4648 §10", () => {
    for (const [plain, text] of [
      ["", ""],
      ["f", "Zg=="],
      ["fo", "Zm8="],
      ["foo", "Zm9v"],
      ["foob", "Zm9vYg=="],
      ["fooba", "Zm9vYmE="],
      ["foobar", "Zm9vYmFy"],
    ] as const) {
      expect(encodeBase64(new TextEncoder().encode(plain))).toBe(text);
      expect(new TextDecoder().decode(decodeBase64(text))).toBe(plain);
    }
  });

  it("writes what Node writes and reads it back", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
        const text = encodeBase64(bytes);
        expect(text).toBe(Buffer.from(bytes).toString("base64"));
        expect(decodeBase64(text)).toEqual(bytes);
      }),
    );
  });

  it.each([
    ["no padding", "Zg"],
    ["half the padding", "Zg="],
    ["padding alone", "===="],
    ["too much padding", "Z==="],
    ["padding in the middle", "Zg==Zg=="],
    ["unused bits before ==", "Zh=="],
    ["unused bits before =", "Zm9="],
    ["a space", "Zm9 "],
    ["a newline", "Zm9v\n"],
    ["the URL alphabet", "-_-_"],
    ["a character beyond ASCII", "Zm9é"],
    ["a character that folds to a byte of the alphabet", `Zm9${String.fromCharCode(0x141)}`],
  ])("refuses %s", (_, text) => {
    expect(() => decodeBase64(text)).toThrow(MalformedError);
  });

  it("accepts exactly one text for each byte string", async () => {
    const nearly = fc.stringMatching(/^[A-Za-z0-9+/=]{0,12}$/);
    await fc.assert(
      fc.asyncProperty(fc.oneof(nearly, fc.string()), async (text) => {
        await malformedOf(() => expect(encodeBase64(decodeBase64(text))).toBe(text));
      }),
      { numRuns: 2000 },
    );
  });
});
