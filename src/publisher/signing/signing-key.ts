// Private keys that sign entries: PKCS#8 PEM (RFC 7468 §10), Ed25519 or ECDSA P-256, from a file or an environment variable.
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { readFileSync } from "node:fs";
import { keyIdOf } from "../../protocol/cryptography/signature.ts";
import { encodeBase64 } from "../../protocol/encoding/base64.ts";
import { MalformedError } from "../../protocol/errors.ts";

export interface SigningKey {
  /** Hex SHA-256 of the SPKI DER. */
  readonly keyId: string;
  /** Base64 of the SPKI DER, as a trust root lists it. */
  readonly spki: string;
  /** 64 bytes: Ed25519, or ECDSA P-256 over SHA-256 as r‖s. */
  sign(message: Uint8Array): Uint8Array;
}

const ENVIRONMENT = /^env:([A-Za-z_][A-Za-z0-9_]*)$/;

/**
 * Reads a key from a file, or from the environment variable NAME for `env:NAME`.
 * @throws MalformedError, which never repeats any of what it read.
 */
export function readSigningKey(source: string, environment: NodeJS.ProcessEnv): SigningKey {
  const variable = ENVIRONMENT.exec(source)?.[1];
  const pem = variable === undefined ? readFileSync(source, "utf8") : environment[variable];
  if (pem === undefined)
    throw new MalformedError("signing key", `environment variable ${variable} is not set`);
  return parseSigningKey(pem);
}

/** @throws MalformedError unless it is the PEM of an unencrypted Ed25519 or P-256 private key. */
export function parseSigningKey(pem: string): SigningKey {
  const key = parsePem(pem);
  const ed25519 = key.asymmetricKeyType === "ed25519";
  if (!ed25519 && key.asymmetricKeyDetails?.namedCurve !== "prime256v1") {
    throw new MalformedError("signing key", "expected an Ed25519 or ECDSA P-256 key");
  }
  const spki = new Uint8Array(createPublicKey(key).export({ type: "spki", format: "der" }));
  return {
    keyId: keyIdOf(spki),
    spki: encodeBase64(spki),
    sign: (message) =>
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
  try {
    return createPrivateKey(pem);
  } catch {
    throw new MalformedError(
      "signing key",
      "expected an unencrypted PKCS#8 PEM ('-----BEGIN PRIVATE KEY-----')",
    );
  }
}
