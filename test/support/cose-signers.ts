// Makes keys that sign COSE with ECDSA P-256: each run has others, since WebCrypto makes none from a seed.
import type { CoseSigner } from "../../src/protocol/cose/cose-sign1.ts";
import { keyIdOf } from "../../src/protocol/cryptography/signature.ts";
import { encodeBase64 } from "../../src/protocol/encoding/base64.ts";

const ECDSA = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };

export async function generateP256Signer(): Promise<CoseSigner> {
  const { privateKey, publicKey } = await crypto.subtle.generateKey(ECDSA, true, ["sign", "verify"]);
  const spki = new Uint8Array(await crypto.subtle.exportKey("spki", publicKey));
  return {
    keyId: keyIdOf(spki),
    spki: encodeBase64(spki),
    sign: async (message) =>
      new Uint8Array(await crypto.subtle.sign(ECDSA, privateKey, message as Uint8Array<ArrayBuffer>)),
  };
}
