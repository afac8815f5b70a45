// Signed notes: the example of C2SP signed-note, and the tables of golang.org/x/mod/sumdb/note.
import { expect, it } from "vitest";
import { MalformedError } from "../../src/protocol/errors.ts";
import {
  createNoteSigner,
  createNoteVerifier,
  parsePrivateKey,
  parseVerifierKey,
} from "../../src/protocol/note/key.ts";
import {
  formatSignatureLine,
  type NoteSignature,
  openNote,
  signNote,
} from "../../src/protocol/note/signed-note.ts";
import { describeReal, realJson } from "../support/real-data.ts";
import { malformedOf, outcomeOf } from "../support/refusals.ts";

interface Signature {
  name: string;
  keyId: string | null;
  base64: string;
}
interface OpenCase {
  name: string;
  vkeys: string[];
  message?: string;
  messageBase64?: string;
  ok: boolean;
  error?: string;
  text?: string;
  verified?: Signature[];
  unverified?: Signature[];
}
interface SignCase {
  name: string;
  text: string;
  skey: string | null;
  existing: Signature[];
  ok: boolean;
  message?: string;
}
interface GolangMod {
  vkeys: Array<{ vkey: string; ok: boolean }>;
  mangle: Array<{ of: string; kind: "vkey" | "skey"; rule: string }>;
  sign: SignCase[];
  open: OpenCase[];
}

const OUTCOME: Record<string, string> = {
  "no-verifiable-signature": "note-unsigned",
  "ambiguous-key": "note-key-ambiguous",
  "invalid-signature": "note-signature",
  malformed: "malformed",
};
const verifierOf = (vkey: string) => createNoteVerifier(parseVerifierKey(vkey));
const shown = (s: NoteSignature): Signature => ({
  name: s.name,
  keyId: s.keyId,
  base64: formatSignatureLine(s).trim().split(" ")[2] ?? "",
});

describeReal("vectors/note", () => {
  it("c2sp-signed-note.json: the example of the specification opens", async () => {
    const { vkey, note, text } = realJson<{ vkey: string; note: string; text: string }>(
      "vectors/note/c2sp-signed-note.json",
    );
    expect((await openNote(note, [await verifierOf(vkey)])).text).toBe(text);
  });

  it("golang-mod.json: 16 notes open or fail as in Go", async () => {
    const { open } = realJson<GolangMod>("vectors/note/golang-mod.json");
    for (const c of open) {
      const message = c.message ?? new Uint8Array(Buffer.from(c.messageBase64 ?? "", "base64"));
      const verifiers = await Promise.all(c.vkeys.map(verifierOf));
      if (!c.ok) {
        expect(await outcomeOf(() => openNote(message, verifiers)), c.name).toBe(OUTCOME[c.error ?? ""]);
        continue;
      }
      const opened = await openNote(message, verifiers);
      expect(opened.text, c.name).toBe(c.text);
      expect(opened.verified.map(shown), c.name).toEqual(c.verified);
      expect(opened.unverified.map(shown), c.name).toEqual(c.unverified);
    }
    expect(open).toHaveLength(16);
  });

  it("golang-mod.json: 4 of 5 notes are signed to the byte, or refused", async () => {
    const { sign } = realJson<GolangMod>("vectors/note/golang-mod.json");
    // Go carries a key id beside bytes that start with it. Here it exists only once, so the fifth fault cannot be expressed.
    const cases = sign.filter((c) => !c.name.includes("do not start with its key id"));
    for (const c of cases) {
      const write = async () => {
        const signers = c.skey === null ? [] : [createNoteSigner(await parsePrivateKey(c.skey))];
        const existing = c.existing.map((s) => {
          const bytes = new Uint8Array(Buffer.from(s.base64, "base64"));
          return { name: s.name, keyId: s.keyId ?? "00000000", signature: bytes.subarray(4) };
        });
        return signNote(c.text, signers, existing);
      };
      if (c.ok) expect(await write(), c.name).toBe(c.message);
      else expect(await outcomeOf(write), c.name).toBe("malformed");
    }
    expect([sign.length, cases.length]).toEqual([5, 4]);
  });

  it("golang-mod.json: 3 verifier keys, and 5578 mangled forms of a verifier and a private key refused", async () => {
    const { vkeys, mangle } = realJson<GolangMod>("vectors/note/golang-mod.json");
    for (const { vkey, ok } of vkeys)
      expect((await malformedOf(() => parseVerifierKey(vkey))) === undefined).toBe(ok);
    let refused = 0;
    for (const { of, kind, rule } of mangle) {
      const read = (text: string) => (kind === "vkey" ? parseVerifierKey(text) : parsePrivateKey(text));
      await read(of);
      for (const text of rule.includes("substring") ? substrings(of) : incremented(of)) {
        expect(await malformedOf(() => read(text)), text).toBeInstanceOf(MalformedError);
        refused++;
      }
    }
    expect(vkeys).toHaveLength(3);
    expect(refused).toBe(5578);
  });
});

function substrings(text: string): string[] {
  const all: string[] = [];
  for (let start = 0; start < text.length; start++) {
    for (let end = start; end <= text.length; end++) {
      if (end - start < text.length) all.push(text.slice(start, end));
    }
  }
  return all;
}

function incremented(text: string): string[] {
  return [...text].map(
    (c, i) => text.slice(0, i) + String.fromCharCode(c.charCodeAt(0) + 1) + text.slice(i + 1),
  );
}
