import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { encodeBase64 } from "../../../src/protocol/encoding/base64.ts";
import { utf8 } from "../../../src/protocol/encoding/text.ts";
import { MalformedError } from "../../../src/protocol/errors.ts";
import { createNoteSigner, createNoteVerifier } from "../../../src/protocol/note/key.ts";
import { isKeyName } from "../../../src/protocol/note/key-name.ts";
import {
  formatNote,
  formatSignatureLine,
  MAX_NOTE_BYTES,
  openNote,
  parseNote,
  parseSignatureLine,
  signNote,
} from "../../../src/protocol/note/signed-note.ts";
import { logKey } from "../../support/notes.ts";
import { malformedOf, outcomeOf } from "../../support/refusals.ts";

const alice = await logKey("alice.example");
const bob = await logKey("bob.example");
const signers = { alice: createNoteSigner(alice), bob: createNoteSigner(bob) };
const verifiers = {
  alice: await createNoteVerifier(alice.verifierKey),
  bob: await createNoteVerifier(bob.verifierKey),
};
const TEXT = "first line\n\nthird line\n";
const note = await signNote(TEXT, [signers.alice]);

const line = fc.string({ unit: "binary", maxLength: 30 }).filter((s) => [...s].every((c) => c >= " "));
const text = fc.array(line, { minLength: 1, maxLength: 4 }).map((lines) => `${lines.join("\n")}\n`);
const signature = fc.record({
  name: fc.string({ unit: "binary", minLength: 1, maxLength: 20 }).filter(isKeyName),
  keyId: fc.stringMatching(/^[0-9a-f]{8}$/),
  signature: fc.uint8Array({ minLength: 1, maxLength: 80 }),
});

describe("signed notes", () => {
  it("are read back as what they were written from, blank lines in the text included", () => {
    const distinct = fc.uniqueArray(signature, { minLength: 1, maxLength: 5, selector: formatSignatureLine });
    fc.assert(
      fc.property(text, distinct, (noteText, signatures) => {
        const written = formatNote({ text: noteText, signatures });
        expect(parseNote(written)).toEqual({ text: noteText, signatures });
        expect(parseNote(utf8(written))).toEqual({ text: noteText, signatures });
      }),
    );
  });

  it("open under the keys that signed them and tell who did", async () => {
    const both = await signNote(TEXT, [signers.alice, signers.bob]);
    const opened = await openNote(both, [verifiers.alice]);
    expect(opened.text).toBe(TEXT);
    expect(opened.verified.map(({ name }) => name)).toEqual(["alice.example"]);
    expect(opened.unverified.map(({ name }) => name)).toEqual(["bob.example"]);
    expect((await openNote(both, [verifiers.alice, verifiers.bob])).verified).toHaveLength(2);
  });

  it("signed again keep the other signatures and gain a line, and the same key's line is replaced", async () => {
    const first = parseNote(note);
    const second = parseNote(await signNote(TEXT, [signers.bob], first.signatures));
    expect(second.signatures.map(({ name }) => name)).toEqual(["alice.example", "bob.example"]);
    const third = parseNote(await signNote(TEXT, [signers.alice], second.signatures));
    expect(third.signatures.map(({ name }) => name)).toEqual(["bob.example", "alice.example"]);
  });

  it("do not open when the text changed in any byte", async () => {
    const bytes = utf8(note);
    for (let i = 0; i < utf8(TEXT).length; i++) {
      const changed = bytes.with(i, (bytes[i] ?? 0) ^ 1);
      expect(await outcomeOf(() => openNote(changed, [verifiers.alice]))).toMatch(
        /^(note-signature|malformed)$/,
      );
    }
  });

  it("are rejected whole for one wrong signature of a known key, even beside a good one", async () => {
    const { signatures } = parseNote(await signNote("another text\n", [signers.bob]));
    const forged = formatNote({ text: TEXT, signatures: [...parseNote(note).signatures, ...signatures] });
    expect(await outcomeOf(() => openNote(forged, [verifiers.alice]))).toBe("accepted");
    expect(await outcomeOf(() => openNote(forged, [verifiers.alice, verifiers.bob]))).toBe("note-signature");
  });

  it("are rejected for a second, wrong line of a key whose first line is good", async () => {
    const [good] = parseNote(note).signatures;
    const twice = formatNote({
      text: TEXT,
      signatures: [good!, { ...good!, signature: new Uint8Array(64) }],
    });
    expect(await outcomeOf(() => openNote(twice, [verifiers.alice]))).toBe("note-signature");
  });

  it("count a signature for a key only when name and key id both fit", async () => {
    const [good] = parseNote(note).signatures;
    const renamed = formatNote({ text: TEXT, signatures: [{ ...good!, name: "mallory.example" }] });
    const otherId = formatNote({ text: TEXT, signatures: [{ ...good!, keyId: "00000000" }] });
    expect(await outcomeOf(() => openNote(renamed, [verifiers.alice]))).toBe("note-unsigned");
    expect(await outcomeOf(() => openNote(otherId, [verifiers.alice]))).toBe("note-unsigned");
  });

  it("do not open under no key, nor under two keys of one name and id", async () => {
    expect(await outcomeOf(() => openNote(note, []))).toBe("note-unsigned");
    expect(await outcomeOf(() => openNote(note, [verifiers.alice, verifiers.alice]))).toBe(
      "note-key-ambiguous",
    );
    expect(await outcomeOf(() => openNote(note, [verifiers.alice, verifiers.bob, verifiers.bob]))).toBe(
      "accepted",
    );
  });

  it("hold up to 100 signatures", async () => {
    const line = (i: number) => `— other.example ${encodeBase64(Uint8Array.of(0, 0, 0, 0, i))}\n`;
    const others = Array.from({ length: 100 }, (_, i) => line(i)).join("");
    expect(parseNote(`${TEXT}\n${others}`).signatures).toHaveLength(100);
    expect(() => parseNote(`${note}${others}`)).toThrow(/more than 100/);
  });

  it.each([
    ["no blank line", TEXT.replace("\n\n", "\n")],
    ["no signature", `${TEXT}\n`],
    ["no newline at the end", note.slice(0, -1)],
    ["a line that is no signature", `${note}other\n`],
    ["a hyphen for the dash", note.replace("—", "-")],
    ["two spaces", note.replace("alice.example ", "alice.example  ")],
    ["a space behind the base64", note.replace(/\n$/, " \n")],
    ["a carriage return", note.replace(/\n$/, "\r\n")],
    ["a tab", note.replace("first", "\t")],
    ["a zero byte", note.replace("first", "\0")],
    ["a lone surrogate", note.replace("first", "\ud800")],
    ["a plus in a name", note.replace("alice.example", "alice+example")],
    ["a wide space in a name", note.replace("alice.example", "alice\u2003example")],
    ["no padding", note.replace(/=+\n$/, "\n")],
    ["only a key id", `${TEXT}\n— alice.example ${encodeBase64(Uint8Array.of(1, 2, 3, 4))}\n`],
    ["a blank line behind", `${note}\n`],
    ["nothing", ""],
  ])("are malformed with %s", (_, malformed) => {
    expect(() => parseNote(malformed)).toThrow(MalformedError);
  });

  it("are malformed above a megabyte or outside UTF-8", () => {
    expect(() => parseNote("x".repeat(MAX_NOTE_BYTES + 1))).toThrow(/longer than/);
    expect(() => parseNote(Uint8Array.of(0xff, 0x0a, 0x0a))).toThrow(MalformedError);
  });

  it("are read or refused as malformed with any character replaced or cut out", async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(note.length), fc.nat(3), fc.string({ maxLength: 3 }), async (i, cut, put) => {
        const mutated = note.slice(0, i) + put + note.slice(i + cut);
        await malformedOf(() => {
          const parsed = parseNote(mutated);
          expect(parseNote(formatNote(parsed))).toEqual(parsed);
        });
      }),
      { numRuns: 1000 },
    );
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 60 }), async (bytes) => {
        await malformedOf(() => parseNote(bytes));
      }),
    );
  });

  it("cannot be written in a form that could not be read", async () => {
    const [good] = parseNote(note).signatures;
    await expect(signNote("no newline", [signers.alice])).rejects.toThrow(MalformedError);
    await expect(signNote("\u0001\n", [signers.alice])).rejects.toThrow(MalformedError);
    expect(() => formatNote({ text: TEXT, signatures: [{ ...good!, name: "a b" }] })).toThrow(MalformedError);
    expect(() => formatNote({ text: TEXT, signatures: [{ ...good!, keyId: "0102030" }] })).toThrow(
      MalformedError,
    );
  });

  it("are read up to 1,000,000 bytes, and the line of text may be an empty one", async () => {
    const padding = "x".repeat(MAX_NOTE_BYTES - note.length);
    expect(parseNote(padding + note).text).toBe(padding + TEXT);
    await expect(async () => parseNote(`x${padding}${note}`)).rejects.toThrow("signed note: longer than");
    expect(parseNote(formatNote({ text: "\n", signatures: parseNote(note).signatures })).text).toBe("\n");
  });

  it.each([
    ["no text, but something in front of the signature", `x${note.slice(note.indexOf("—"))}`],
    ["no text, and one newline in front of the signature", `\n${note.slice(note.indexOf("—"))}`],
    ["a second signature that was cut", `${note}— bob.example`],
  ])("are refused with %s", async (_, bytes) => {
    expect(await malformedOf(() => parseNote(bytes))).toBeInstanceOf(MalformedError);
  });

  it("are not written with a key id that is not 8 hex digits", () => {
    const [line] = parseNote(note).signatures;
    for (const keyId of ["0012345678", "1234567", "12345678ab", "1234567G", "ABCDEF01"])
      expect(() => formatNote({ text: TEXT, signatures: [{ ...line!, keyId }] }), keyId).toThrow(
        MalformedError,
      );
  });

  it("signed again by several keep one line of each", async () => {
    const again = await signNote(TEXT, [signers.bob, signers.alice], parseNote(note).signatures);
    expect(parseNote(again).signatures.map(({ name }) => name)).toEqual(["bob.example", "alice.example"]);
  });

  it("are refused with the name and id of the key whose signature is wrong", async () => {
    const other = await signNote("other text\n", [signers.alice]);
    const forged = formatNote({ text: TEXT, signatures: parseNote(other).signatures });
    const { name, keyId } = alice.verifierKey;
    await expect(openNote(forged, [verifiers.alice])).rejects.toThrow(`${name}+${keyId}`);
  });

  it("have signature lines that stand alone, as a witness answers them", () => {
    const [good] = parseNote(note).signatures;
    const alone = formatSignatureLine(good!);
    expect(note.endsWith(`\n\n${alone}`)).toBe(true);
    expect(parseSignatureLine(alone.slice(0, -1))).toEqual(good);
    expect(() => parseSignatureLine(alone)).toThrow(MalformedError);
    expect(() => parseSignatureLine(`x${alone.slice(0, -1)}`)).toThrow(MalformedError);
  });
});
