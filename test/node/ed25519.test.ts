// Which thread checks a signature changes how long it takes, never what is accepted.
import { describe, expect, it } from "vitest";
import { entryVerifier, logVerifier } from "../../src/node/ed25519.ts";
import {
  importPublicKey,
  type PublicKey,
  verifySignature,
} from "../../src/protocol/cryptography/signature.ts";
import { utf8 } from "../../src/protocol/encoding/text.ts";
import { COSIGNATURE_ED25519, createNoteVerifier, ED25519 } from "../../src/protocol/note/key.ts";
import { testKey } from "../support/notes.ts";

const MESSAGE = utf8("what was signed");

async function signed(
  algorithm: EcKeyGenParams | { name: "Ed25519" },
): Promise<{ key: PublicKey; signature: Uint8Array }> {
  const pair = (await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"])) as CryptoKeyPair;
  const spki = new Uint8Array(await crypto.subtle.exportKey("spki", pair.publicKey));
  const parameters = algorithm.name === "Ed25519" ? "Ed25519" : { name: "ECDSA", hash: "SHA-256" };
  const signature = new Uint8Array(
    await crypto.subtle.sign(parameters, pair.privateKey, MESSAGE as Uint8Array<ArrayBuffer>),
  );
  return { key: await importPublicKey(spki), signature };
}

const ALGORITHMS = [{ name: "Ed25519" }, { name: "ECDSA", namedCurve: "P-256" }] as const;

describe.each(ALGORITHMS)("a single entry on two cores, $name", (algorithm) => {
  const verify = entryVerifier(1, 1);

  it("is accepted with its signature", async () => {
    const { key, signature } = await signed(algorithm);
    expect(await verify(key, MESSAGE, signature)).toBe(true);
  });

  it("is refused with a changed, shortened, lengthened or missing signature, and with another message", async () => {
    const { key, signature } = await signed(algorithm);
    const changed = signature.with(10, signature[10]! ^ 1);
    for (const wrong of [changed, signature.subarray(1), Uint8Array.of(...signature, 0), new Uint8Array(0)])
      expect(await verify(key, MESSAGE, wrong)).toBe(false);
    expect(await verify(key, utf8("something else"), signature)).toBe(false);
  });

  it("is refused with the signature of another key", async () => {
    const { key } = await signed(algorithm);
    const { signature } = await signed(algorithm);
    expect(await verify(key, MESSAGE, signature)).toBe(false);
  });
});

describe("a log's note", () => {
  it("is accepted and refused as WebCrypto does, whatever is wrong with it", async () => {
    const { verifierKey, signBytes } = await testKey("log.example/a", ED25519);
    const other = await testKey("log.example/b", ED25519);
    const signature = await signBytes(MESSAGE);
    const [atOnce, pooled] = [logVerifier(verifierKey), await createNoteVerifier(verifierKey)];
    const signatures = [
      signature,
      signature.with(10, signature[10]! ^ 1),
      signature.subarray(1),
      Uint8Array.of(...signature, 0),
      new Uint8Array(0),
      new Uint8Array(64),
      await other.signBytes(MESSAGE),
    ];
    for (const [i, one] of signatures.entries()) {
      expect(await atOnce.verify(MESSAGE, one), String(i)).toBe(i === 0);
      expect(await pooled.verify(MESSAGE, one), String(i)).toBe(i === 0);
    }
    expect(await atOnce.verify(utf8("something else"), signature)).toBe(false);
    expect([atOnce.name, atOnce.keyId]).toEqual([pooled.name, pooled.keyId]);
  });

  it("is of a key of a log, and of no witness", async () => {
    const { verifierKey } = await testKey("witness.example", COSIGNATURE_ED25519);
    expect(() => logVerifier(verifierKey)).toThrow("not a key of type 0x01");
  });
});

it("batches, and single entries where there are cores for the pool, are left to WebCrypto", () => {
  expect(entryVerifier(2, 2)).toBe(verifySignature);
  expect(entryVerifier(1, 2)).toBe(verifySignature);
});
