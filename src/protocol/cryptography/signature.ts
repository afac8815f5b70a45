// Reads public keys as SubjectPublicKeyInfo (RFC 5280 §4.1.2.7) and verifies signatures with WebCrypto, which Node and browsers share.
// Ed25519 per RFC 8032 §5.1.7; ECDSA per FIPS 186-5 with raw r‖s (IEEE P1363), either S accepted.

import { decodeBase64, encodeBase64 } from "../encoding/base64.ts";
import { concatBytes, equalBytes } from "../encoding/bytes.ts";
import { decodeHex, encodeHex } from "../encoding/hex.ts";
import { MalformedError } from "../errors.ts";
import { sha256 } from "./hash.ts";
import { holdsSmallOrder } from "./small-order.ts";

export type SignatureAlgorithm = "ed25519" | "ecdsa-p256-sha256" | "ecdsa-p384-sha384";

/**
 * A public key that was imported once and may verify many times.
 * @example
 * ```ts
 * import type { PublicKey } from "touchstone/protocol";
 * const describeKey = ({ algorithm, keyId }: PublicKey): string => `${algorithm} ${keyId}`;
 * ```
 */
export interface PublicKey {
  readonly algorithm: SignatureAlgorithm;
  /** DER of the SubjectPublicKeyInfo, exactly as given. */
  readonly spki: Uint8Array;
  /** SHA-256 of the SPKI DER, lower-case hex: the `keyid` of a DSSE signature. */
  readonly keyId: string;
  readonly cryptoKey: CryptoKey;
}

const SPKI_FORMS: ReadonlyArray<{ algorithm: SignatureAlgorithm; prefix: Uint8Array; length: number }> = [
  { algorithm: "ed25519", prefix: decodeHex("302a300506032b6570032100"), length: 44 },
  {
    algorithm: "ecdsa-p256-sha256",
    prefix: decodeHex("3059301306072a8648ce3d020106082a8648ce3d03010703420004"),
    length: 91,
  },
  {
    algorithm: "ecdsa-p384-sha384",
    prefix: decodeHex("3076301006072a8648ce3d020106052b8104002203620004"),
    length: 120,
  },
];

const IMPORT = {
  ed25519: { name: "Ed25519" },
  "ecdsa-p256-sha256": { name: "ECDSA", namedCurve: "P-256" },
  "ecdsa-p384-sha384": { name: "ECDSA", namedCurve: "P-384" },
} as const;

const VERIFY = {
  ed25519: { name: "Ed25519" },
  "ecdsa-p256-sha256": { name: "ECDSA", hash: "SHA-256" },
  "ecdsa-p384-sha384": { name: "ECDSA", hash: "SHA-384" },
} as const;

const SIGNATURE_LENGTH = { ed25519: 64, "ecdsa-p256-sha256": 64, "ecdsa-p384-sha384": 96 } as const;

/**
 * Hex SHA-256 of an SPKI DER.
 * @example
 * ```ts
 * import { keyIdOf } from "touchstone/protocol";
 * const isPublisher = (spki: Uint8Array, keyId: string): boolean => keyIdOf(spki) === keyId;
 * ```
 */
export function keyIdOf(spki: Uint8Array): string {
  return encodeHex(sha256(spki));
}

function formOf(spki: Uint8Array) {
  return SPKI_FORMS.find(
    ({ length, prefix }) => spki.length === length && equalBytes(spki.subarray(0, prefix.length), prefix),
  );
}

/** What a key of this SPKI DER signs with; undefined where `importPublicKey` would refuse its form. */
export function signatureAlgorithmOf(spki: Uint8Array): SignatureAlgorithm | undefined {
  return formOf(spki)?.algorithm;
}

/**
 * Imports a key from its SPKI DER: Ed25519, or uncompressed P-256 / P-384 with named curve, each in its one DER form.
 * @throws MalformedError for any other key type, curve, point format or encoding.
 * @example
 * ```ts
 * import { importPublicKey } from "touchstone/protocol";
 * const pair = await crypto.subtle.generateKey("Ed25519", true, ["sign", "verify"]);
 * const key = await importPublicKey(new Uint8Array(await crypto.subtle.exportKey("spki", pair.publicKey)));
 * ```
 */
export async function importPublicKey(spki: Uint8Array): Promise<PublicKey> {
  const form = formOf(spki);
  if (form === undefined) {
    throw new MalformedError("public key", "expected the SPKI DER of an Ed25519, P-256 or P-384 key");
  }
  try {
    const cryptoKey = await crypto.subtle.importKey(
      "spki",
      Uint8Array.from(spki),
      IMPORT[form.algorithm],
      true,
      ["verify"],
    );
    return { algorithm: form.algorithm, spki, keyId: keyIdOf(spki), cryptoKey };
  } catch {
    throw new MalformedError("public key", "the point is not on its curve");
  }
}

/** An Ed25519 key from its 32 raw bytes (RFC 8032 §5.1.5). */
export function ed25519Spki(raw: Uint8Array): Uint8Array {
  if (raw.length !== 32)
    throw new MalformedError("Ed25519 public key", `expected 32 bytes, got ${raw.length}`);
  return concatBytes(decodeHex("302a300506032b6570032100"), raw);
}

/** As `verifySignature`. */
export type VerifySignature = (
  key: PublicKey,
  message: Uint8Array,
  signature: Uint8Array,
) => Promise<boolean>;

/**
 * Whether `signature` over `message` verifies under `key`. A signature of the wrong length is simply wrong.
 * @param signature 64 bytes for Ed25519 and P-256 (r‖s), 96 for P-384.
 * @example
 * ```ts
 * import { type Envelope, preAuthEncoding, type PublicKey, verifySignature } from "touchstone/protocol";
 * const signed = (key: PublicKey, { payload, signatures }: Envelope): Promise<boolean> =>
 *   verifySignature(key, preAuthEncoding(payload), signatures[0]?.signature ?? new Uint8Array());
 * ```
 */
export async function verifySignature(
  key: PublicKey,
  message: Uint8Array,
  signature: Uint8Array,
): Promise<boolean> {
  if (signature.length !== SIGNATURE_LENGTH[key.algorithm]) return false;
  if (key.algorithm === "ed25519" && holdsSmallOrder(key.spki.subarray(-32), signature)) return false;
  return crypto.subtle.verify(VERIFY[key.algorithm], key.cryptoKey, unshared(signature), unshared(message));
}

/** WebCrypto copies its input at once, and takes no shared memory; only that is copied here. */
function unshared(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return bytes.buffer instanceof ArrayBuffer ? (bytes as Uint8Array<ArrayBuffer>) : Uint8Array.from(bytes);
}

/** Reads a `PUBLIC KEY` PEM block (RFC 7468 §13), or the bare base64 of the SPKI DER. */
export function decodePublicKeyPem(text: string): Uint8Array {
  const match =
    /^-----BEGIN PUBLIC KEY-----\r?\n([A-Za-z0-9+/=\r\n]{1,400})-----END PUBLIC KEY-----\s*$/.exec(text);
  return decodeBase64((match?.[1] ?? text).replace(/[\r\n]/g, ""));
}

/**
 * @example
 * ```ts
 * import { encodePublicKeyPem, type PublicKey } from "touchstone/protocol";
 * const pemOf = (key: PublicKey): string => encodePublicKeyPem(key.spki);
 * ```
 */
export function encodePublicKeyPem(spki: Uint8Array): string {
  return `-----BEGIN PUBLIC KEY-----\n${encodeBase64(spki).replace(/(.{64})(?=.)/g, "$1\n")}\n-----END PUBLIC KEY-----\n`;
}
