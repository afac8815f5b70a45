// Signatures that threads verify get the verdicts that WebCrypto gives, each its own; where a thread ends, nothing is said of any.
import { afterAll, describe, expect, it } from "vitest";
import { SignatureThreads } from "../../../src/log/checking/signature-threads.ts";
import {
  importPublicKey,
  type PublicKey,
  verifySignature,
} from "../../../src/protocol/cryptography/signature.ts";
import { utf8 } from "../../../src/protocol/encoding/text.ts";

const threads = new SignatureThreads(2, 0);
afterAll(() => threads.close());

const ALGORITHMS = [
  { name: "Ed25519", hash: "none" },
  { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" },
  { name: "ECDSA", namedCurve: "P-384", hash: "SHA-384" },
];

async function signer(algorithm: (typeof ALGORITHMS)[number]) {
  const pair = (await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"])) as CryptoKeyPair;
  const key = await importPublicKey(new Uint8Array(await crypto.subtle.exportKey("spki", pair.publicKey)));
  const sign = async (message: Uint8Array) =>
    new Uint8Array(await crypto.subtle.sign(algorithm, pair.privateKey, Uint8Array.from(message)));
  return { key, sign };
}

type Signed = readonly [key: PublicKey, message: Uint8Array, signature: Uint8Array];

describe("threads", () => {
  it("give each signature the verdict of WebCrypto, whatever its key, its message and what is asked beside it", async () => {
    const signers = await Promise.all([...ALGORITHMS, ...ALGORITHMS].map(signer));
    const messages = [utf8("one"), utf8("another"), new Uint8Array(0), new Uint8Array(60_000).fill(7)];
    const signed: Signed[] = [];
    for (const { sign } of signers)
      for (const message of messages) {
        const signature = await sign(message);
        const forged = [
          new Uint8Array(0),
          new Uint8Array(64),
          signature.slice(1),
          Uint8Array.of(...signature, 0),
        ];
        for (const { key } of signers) {
          for (const other of messages) signed.push([key, other, signature]);
          for (const wrong of forged) signed.push([key, message, wrong]);
        }
      }
    const expected = await Promise.all(signed.map((one) => verifySignature(...one)));
    expect(expected.filter((verifies) => verifies)).toHaveLength(signers.length * messages.length);
    expect(await Promise.all(signed.map((one) => threads.verify(...one)))).toEqual(expected);
    for (const one of signed.slice(0, 20))
      expect(await threads.verify(...one)).toBe(await verifySignature(...one));
  });
});

describe("a thread that ends", () => {
  it("fails what it had to verify and all that follows, and is told", async () => {
    const dying = new SignatureThreads(1, 0, new URL("./dying-thread.ts", import.meta.url));
    const { key } = await signer(ALGORITHMS[0]!);
    const failing = () =>
      expect(dying.verify(key, utf8("a message"), new Uint8Array(64))).rejects.toThrow(
        /^a thread that verifies signatures failed, so nothing is known of them: /,
      );
    await Promise.all([1, 2, 3].map(failing));
    await failing();
    await dying.close();
  });

  it("fails what it had to verify where it cannot even be started", async () => {
    const none = new SignatureThreads(1, 0, new URL("https://threads.example/none.ts"));
    const { key } = await signer(ALGORITHMS[0]!);
    for (let i = 0; i < 2; i++)
      await expect(none.verify(key, utf8("a message"), new Uint8Array(64))).rejects.toThrow(
        "a thread that verifies signatures failed, so nothing is known of them: ",
      );
    await none.close();
  });
});
