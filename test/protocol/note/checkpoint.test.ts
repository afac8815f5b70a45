import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { encodeBase64 } from "../../../src/protocol/encoding/base64.ts";
import { utf8 } from "../../../src/protocol/encoding/text.ts";
import { MalformedError } from "../../../src/protocol/errors.ts";
import {
  formatCheckpoint,
  openCheckpoint,
  parseCheckpoint,
  parseDecimal,
} from "../../../src/protocol/note/checkpoint.ts";
import { createNoteSigner } from "../../../src/protocol/note/key.ts";
import { isKeyName } from "../../../src/protocol/note/key-name.ts";
import { signNote } from "../../../src/protocol/note/signed-note.ts";
import { logKey, signedCheckpoint, witnessKey } from "../../support/notes.ts";
import { malformedOf, outcomeOf } from "../../support/refusals.ts";

const ROOT = encodeBase64(new Uint8Array(32).fill(7));
const TEXT = `log.example/one\n42\n${ROOT}\n`;
const key = await logKey("log.example/one");

describe("checkpoints", () => {
  it("are read back as what they were written from", () => {
    const origin = fc
      .string({ unit: "binary", minLength: 1, maxLength: 60 })
      .filter((text) => isKeyName(text) && utf8(text).length <= 255);
    const root = fc.uint8Array({ minLength: 32, maxLength: 32 });
    fc.assert(
      fc.property(origin, fc.maxSafeNat(), root, (o, size, r) => {
        const checkpoint = { origin: o, size, root: r };
        expect(parseCheckpoint(formatCheckpoint(checkpoint))).toEqual(checkpoint);
      }),
    );
  });

  it("of an origin that is none are neither read nor written, and the first line is named", async () => {
    for (const origin of ["", "two words", "a+b"]) {
      const read = await malformedOf(() => parseCheckpoint(TEXT.replace("log.example/one", origin)));
      const written = await malformedOf(() =>
        formatCheckpoint({ origin, size: 1, root: new Uint8Array(32) }),
      );
      for (const error of [read, written]) {
        expect(error?.at).toBe("line 1");
        expect(error?.message).toMatch(/^checkpoint: /);
      }
    }
  });

  it.each([
    ["an extension line", `${TEXT}extension\n`],
    ["a blank line behind", `${TEXT}\n`],
    ["no newline at the end", TEXT.slice(0, -1)],
    ["two lines", "log.example/one\n42\n"],
    ["an empty origin", TEXT.replace("log.example/one", "")],
    ["a space in the origin", TEXT.replace("/one", " one")],
    ["a plus in the origin", TEXT.replace("/one", "+one")],
    ["an origin of 256 bytes", TEXT.replace("log.example/one", "o".repeat(256))],
    ["a zero in front of the size", TEXT.replace("42", "042")],
    ["a size of zeros", TEXT.replace("42", "00")],
    ["a signed size", TEXT.replace("42", "+42")],
    ["a negative size", TEXT.replace("42", "-1")],
    ["a size in hex", TEXT.replace("42", "0x2a")],
    ["an exponent", TEXT.replace("42", "4e1")],
    ["a size above 2^53 − 1", TEXT.replace("42", "9007199254740992")],
    ["a size of 20 digits", TEXT.replace("42", "18446744073709551615")],
    ["a space behind the size", TEXT.replace("42", "42 ")],
    ["no size", TEXT.replace("42", "")],
    ["a root of 31 bytes", TEXT.replace(ROOT, encodeBase64(new Uint8Array(31)))],
    ["a root of 33 bytes", TEXT.replace(ROOT, encodeBase64(new Uint8Array(33)))],
    ["a root without padding", TEXT.replace("=", "")],
    ["a root with unused bits set", TEXT.replace("c=", "d=")],
    ["carriage returns", TEXT.replaceAll("\n", "\r\n")],
    ["nothing", ""],
  ])("are malformed with %s", (_, text) => {
    expect(text).not.toBe(TEXT);
    expect(() => parseCheckpoint(text)).toThrow(MalformedError);
  });

  it("are read or refused as malformed with any character replaced, and never two ways", async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(TEXT.length), fc.nat(2), fc.string({ maxLength: 3 }), async (i, cut, put) => {
        const mutated = TEXT.slice(0, i) + put + TEXT.slice(i + cut);
        await malformedOf(() => expect(formatCheckpoint(parseCheckpoint(mutated))).toBe(mutated));
      }),
      { numRuns: 1000 },
    );
  });

  it("cannot be written with an origin, size or root that could not be read", () => {
    const good = parseCheckpoint(TEXT);
    expect(() => formatCheckpoint({ ...good, origin: "a b" })).toThrow(MalformedError);
    expect(() => formatCheckpoint({ ...good, origin: "é".repeat(128) })).toThrow(MalformedError);
    expect(() => formatCheckpoint({ ...good, size: 2 ** 53 })).toThrow(MalformedError);
    expect(() => formatCheckpoint({ ...good, size: -1 })).toThrow(MalformedError);
    expect(() => formatCheckpoint({ ...good, root: new Uint8Array(20) })).toThrow(MalformedError);
  });

  it("open under the log's key", async () => {
    const checkpoint = parseCheckpoint(TEXT);
    const note = await signedCheckpoint(checkpoint, key, [[await witnessKey("w.example"), 1]]);
    expect(await openCheckpoint(note, key.verifierKey)).toEqual(checkpoint);
    expect(await openCheckpoint(utf8(note), key.verifierKey)).toEqual(checkpoint);
  });

  it("do not open under another log's key, whose name is not the origin or who did not sign", async () => {
    const checkpoint = parseCheckpoint(TEXT);
    const other = await logKey("log.example/two");
    const bySelf = await signedCheckpoint(checkpoint, key);
    const byOther = await signedCheckpoint(checkpoint, other);
    expect(await outcomeOf(() => openCheckpoint(bySelf, other.verifierKey))).toBe("note-unsigned");
    expect(await outcomeOf(() => openCheckpoint(byOther, other.verifierKey))).toBe("checkpoint-origin");
    const note = await signNote("not a checkpoint\n", [createNoteSigner(key)]);
    expect(await outcomeOf(() => openCheckpoint(note, key.verifierKey))).toBe("malformed");
  });
});

describe("decimal numbers", () => {
  it("are read exactly up to 2^53 − 1", () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), (n) => {
        expect(parseDecimal(String(n), "thing")).toBe(n);
      }),
    );
    expect(parseDecimal("9007199254740991", "thing")).toBe(2 ** 53 - 1);
    expect(() => parseDecimal("9007199254740993", "thing")).toThrow(/^thing: /);
  });
});
