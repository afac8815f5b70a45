import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { encodeBase64 } from "../../../src/protocol/encoding/base64.ts";
import { concatBytes } from "../../../src/protocol/encoding/bytes.ts";
import { utf8 } from "../../../src/protocol/encoding/text.ts";
import { MalformedError } from "../../../src/protocol/errors.ts";
import {
  COSIGNATURE_ED25519,
  COSIGNATURE_ML_DSA_44,
  createNoteSigner,
  createNoteVerifier,
  createPrivateKey,
  createVerifierKey,
  ED25519,
  formatPrivateKey,
  formatVerifierKey,
  parsePrivateKey,
  parseVerifierKey,
  sameVerifierKey,
} from "../../../src/protocol/note/key.ts";
import { isKeyName } from "../../../src/protocol/note/key-name.ts";
import { logKey, vkeyOf, witnessKey } from "../../support/notes.ts";
import { malformedOf } from "../../support/refusals.ts";

const seed = fc.uint8Array({ minLength: 32, maxLength: 32 });
const name = fc
  .string({ unit: "binary", minLength: 1, maxLength: 60 })
  .filter((text) => isKeyName(text) && utf8(text).length <= 255);

describe("verifier keys", () => {
  it("have a name of at most 255 bytes", () => {
    const named = (length: number) => createVerifierKey("n".repeat(length), ED25519, new Uint8Array(32));
    expect(named(255).name).toHaveLength(255);
    expect(() => named(256)).toThrow(/^verifier key: /);
    expect(() => createVerifierKey("é".repeat(128), ED25519, new Uint8Array(32))).toThrow(MalformedError);
  });

  it("are refused with anything in front or behind, and the message says of which kind of key", async () => {
    const key = await logKey("log.example");
    for (const text of [`+${vkeyOf(key)}`, `${vkeyOf(key)}!`, `${vkeyOf(key)}\n`])
      expect(() => parseVerifierKey(text)).toThrow(/^verifier key: /);
    for (const text of [`${formatPrivateKey(key)}!`, `${formatPrivateKey(key)}\n`])
      await expect(parsePrivateKey(text)).rejects.toThrow(/^private key: /);
  });

  it("are read back as what they were written from, of every type", () => {
    const types = fc.constantFrom(ED25519, COSIGNATURE_ED25519, COSIGNATURE_ML_DSA_44);
    fc.assert(
      fc.property(name, types, fc.nat(255), (keyName, type, fill) => {
        const length = type === COSIGNATURE_ML_DSA_44 ? 1312 : 32;
        const key = createVerifierKey(keyName, type, new Uint8Array(length).fill(fill));
        expect(parseVerifierKey(formatVerifierKey(key))).toEqual(key);
      }),
    );
  });

  it("are refused with one character changed, added or missing", async () => {
    const vkey = vkeyOf(await logKey("log.example"));
    for (let i = 0; i < vkey.length; i++) {
      const next = String.fromCharCode(vkey.charCodeAt(i) + 1);
      expect(() => parseVerifierKey(vkey.slice(0, i) + next + vkey.slice(i + 1))).toThrow(MalformedError);
      expect(() => parseVerifierKey(vkey.slice(0, i) + vkey.slice(i + 1))).toThrow(MalformedError);
      expect(() => parseVerifierKey(`${vkey.slice(0, i)} ${vkey.slice(i)}`)).toThrow(MalformedError);
    }
  });

  it("are refused with a key id in upper case, an unknown type, another key length or a bad name", () => {
    const key = createVerifierKey("log.example", ED25519, new Uint8Array(32).fill(3));
    const upper = formatVerifierKey(key).replace(key.keyId, key.keyId.toUpperCase());
    expect(upper).not.toBe(formatVerifierKey(key));
    expect(() => parseVerifierKey(upper)).toThrow(MalformedError);
    for (const type of [0, 2, 3, 5, 7, 255]) {
      expect(() => createVerifierKey("log.example", type, new Uint8Array(32))).toThrow(
        /unknown signature type/,
      );
    }
    expect(() => createVerifierKey("log.example", ED25519, new Uint8Array(31))).toThrow(
      /expected a key of 32/,
    );
    expect(() => createVerifierKey("log.example", COSIGNATURE_ML_DSA_44, new Uint8Array(32))).toThrow(/1312/);
    for (const bad of ["", "a b", "a+b", "a\u2003b", "a\nb", "a\ud800"]) {
      expect(() => createVerifierKey(bad, ED25519, new Uint8Array(32))).toThrow(MalformedError);
    }
    expect(() => createVerifierKey("é".repeat(128), ED25519, new Uint8Array(32))).toThrow(
      /longer than 255 bytes/,
    );
    expect(() => parseVerifierKey("a+".repeat(5000))).toThrow(/longer than/);
  });

  it("are read or refused as malformed, whatever text comes", async () => {
    const nearly = fc.stringMatching(/^[a-z+ ]{0,6}\+[0-9a-f]{8}\+[A-Za-z0-9+/=]{0,48}$/);
    await fc.assert(
      fc.asyncProperty(fc.oneof(nearly, fc.string()), async (text) => {
        await malformedOf(() => expect(formatVerifierKey(parseVerifierKey(text))).toBe(text));
      }),
      { numRuns: 1000 },
    );
  });

  it("are the same only with name, type and key alike", async () => {
    const { verifierKey: a } = await logKey("a.example");
    expect(sameVerifierKey(a, { ...a })).toBe(true);
    expect(sameVerifierKey(a, { ...a, name: "b.example" })).toBe(false);
    expect(sameVerifierKey(a, { ...a, type: COSIGNATURE_ED25519 })).toBe(false);
    expect(sameVerifierKey(a, { ...a, publicKey: new Uint8Array(32) })).toBe(false);
  });
});

describe("private keys", () => {
  it("are read back as what they were written from, and sign what their public half verifies", async () => {
    await fc.assert(
      fc.asyncProperty(name, seed, fc.uint8Array(), async (keyName, seedBytes, message) => {
        const key = await createPrivateKey(keyName, ED25519, seedBytes);
        const again = await parsePrivateKey(formatPrivateKey(key));
        expect([again.verifierKey, again.seed]).toEqual([key.verifierKey, key.seed]);
        const signature = await createNoteSigner(again).sign(message);
        const verifier = await createNoteVerifier(key.verifierKey);
        expect(await verifier.verify(message, signature)).toBe(true);
        expect(await verifier.verify(concatBytes(message, Uint8Array.of(0)), signature)).toBe(false);
      }),
      { numRuns: 30 },
    );
  });

  it("have the public key of RFC 8032 §7.1 test 1", async () => {
    const key = await createPrivateKey(
      "rfc8032",
      ED25519,
      Buffer.from("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60", "hex"),
    );
    expect(Buffer.from(key.verifierKey.publicKey).toString("hex")).toBe(
      "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
    );
  });

  it("are refused with one character changed or missing", async () => {
    const skey = formatPrivateKey(await logKey("log.example"));
    for (let i = 0; i < skey.length; i++) {
      const changed = skey.slice(0, i) + String.fromCharCode(skey.charCodeAt(i) + 1) + skey.slice(i + 1);
      expect(await malformedOf(() => parsePrivateKey(changed))).toBeInstanceOf(MalformedError);
      const shorter = skey.slice(0, i) + skey.slice(i + 1);
      expect(await malformedOf(() => parsePrivateKey(shorter))).toBeInstanceOf(MalformedError);
    }
  });

  it("are refused with a type that is unknown, before anything is made of the seed", async () => {
    for (const type of [0, 2, 5, 7])
      await expect(createPrivateKey("log.example", type, new Uint8Array(32))).rejects.toThrow(
        `private key: unknown signature type ${type}`,
      );
  });

  it("begin with words that nobody takes for a public key", async () => {
    const key = await logKey("log.example");
    expect(formatPrivateKey(key).startsWith(`PRIVATE+KEY+log.example+${key.verifierKey.keyId}+`)).toBe(true);
    expect(
      await malformedOf(() => parsePrivateKey(formatPrivateKey(key).slice("PRIVATE+KEY+".length))),
    ).toBeDefined();
  });

  it("are refused for types that are not Ed25519 and seeds of another length", async () => {
    const made = (type: number, length: number) =>
      createPrivateKey("log.example", type, new Uint8Array(length));
    await expect(made(0x02, 32)).rejects.toThrow(/unknown signature type/);
    await expect(made(COSIGNATURE_ML_DSA_44, 31)).rejects.toThrow(/seed of 32 bytes/);
    await expect(made(ED25519, 31)).rejects.toThrow(/seed of 32 bytes/);
    const short = `PRIVATE+KEY+log.example+00000000+${encodeBase64(Uint8Array.of(1))}`;
    await expect(parsePrivateKey(short)).rejects.toThrow(MalformedError);
  });

  it("of a cosigner cannot sign as a log, and its public half cannot verify one", async () => {
    const witness = await witnessKey("witness.example");
    expect(() => createNoteSigner(witness)).toThrow(RangeError);
    await expect(createNoteVerifier(witness.verifierKey)).rejects.toThrow(RangeError);
  });
});
