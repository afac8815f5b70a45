// Reads private keys that sign entries: PKCS#8 PEM (RFC 7468 §10), Ed25519 or ECDSA P-256.
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { keyIdOf, signatureAlgorithmOf } from "../../protocol/cryptography/signature.ts";
import { encodeBase64 } from "../../protocol/encoding/base64.ts";
import { MalformedError } from "../../protocol/errors.ts";
import type { KeyText } from "./key-source.ts";
import type { Signer } from "./signer.ts";
import { whatIsWrongWith } from "./wrong-key.ts";

const FORMAT = "signing key";

/** @throws MalformedError, which names the source and the repair, and never repeats any of what it read. */
export function signingKeyOf({ text, where }: KeyText): Signer {
  try {
    return parseSigningKey(text);
  } catch (error) {
    throw error instanceof MalformedError ? new MalformedError(FORMAT, `${where}: ${error.detail}`) : error;
  }
}

/** @throws MalformedError unless it is the PEM of one unencrypted Ed25519 or P-256 private key that a trust root can list. */
export function parseSigningKey(pem: string): Signer {
  const key = parsePem(pem);
  const ed25519 = key.asymmetricKeyType === "ed25519";
  if (!ed25519 && key.asymmetricKeyType !== "ec")
    throw new MalformedError(FORMAT, `expected an Ed25519 or ECDSA P-256 key, got ${key.asymmetricKeyType}`);
  const spki = new Uint8Array(createPublicKey(key).export({ type: "spki", format: "der" }));
  requireListable(spki, key);
  return {
    keyId: keyIdOf(spki),
    spki: encodeBase64(spki),
    sign: async (message) =>
      new Uint8Array(
        ed25519 ? sign(null, message, key) : sign("sha256", message, { key, dsaEncoding: "ieee-p1363" }),
      ),
  };
}

/** A new Ed25519 key as PKCS#8 PEM. */
export function generateSigningKey(): string {
  return generateKeyPairSync("ed25519").privateKey.export({ type: "pkcs8", format: "pem" }).toString();
}

function parsePem(pem: string): KeyObject {
  const wrong = whatIsWrongWith(pem);
  if (wrong !== undefined) throw new MalformedError(FORMAT, wrong);
  try {
    return createPrivateKey(pem);
  } catch {
    throw new MalformedError(FORMAT, "what stands between its BEGIN and END lines is damaged or cut");
  }
}

/** A key has one id because its public half has one DER form; with another form it signs, and no trust root can name it. */
function requireListable(spki: Uint8Array, { asymmetricKeyDetails }: KeyObject): void {
  if (["ed25519", "ecdsa-p256-sha256"].includes(signatureAlgorithmOf(spki) ?? "")) return;
  const { namedCurve } = asymmetricKeyDetails ?? {};
  if (namedCurve !== undefined && namedCurve !== "prime256v1")
    throw new MalformedError(FORMAT, `expected an Ed25519 or ECDSA P-256 key, its curve is ${namedCurve}`);
  const form =
    namedCurve === undefined ? "its curve is given by explicit parameters" : "its point is compressed";
  throw new MalformedError(
    FORMAT,
    `${form}, so no trust root can list it: openssl ec -in FILE -conv_form uncompressed -param_enc named_curve | openssl pkcs8 -topk8 -nocrypt -out NEW`,
  );
}
