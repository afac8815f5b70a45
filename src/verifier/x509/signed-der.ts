// Reads what certificates, CRLs and OCSP responses have in common: SEQUENCE { to be signed, algorithm, signature, … } (RFC 5280 §4.1.1).
import type { SignatureAlgorithm } from "../../protocol/cryptography/signature.ts";
import { encodeHex } from "../../protocol/encoding/hex.ts";
import { MalformedError } from "../../protocol/errors.ts";
import * as der from "./der.ts";

/** AlgorithmIdentifiers of ecdsa-with-SHA256 and -SHA384 (RFC 5758 §3.2), without parameters; each is used with the curve of its size. */
const ALGORITHMS: Readonly<Record<string, { name: SignatureAlgorithm; size: number }>> = {
  "300a06082a8648ce3d040302": { name: "ecdsa-p256-sha256", size: 32 },
  "300a06082a8648ce3d040303": { name: "ecdsa-p384-sha384", size: 48 },
};

export interface SignedDer {
  /** The DER of what was signed. */
  readonly signedBytes: Uint8Array;
  readonly algorithm: SignatureAlgorithm;
  /** ECDSA r‖s, 64 bytes for P-256 and 96 for P-384. */
  readonly signature: Uint8Array;
}

/** The frame of a certificate or CRL, and the fields of what is signed. @throws MalformedError */
export function readSignedDer(bytes: Uint8Array, format: string): SignedDer & { fields: der.DerElement[] } {
  const [signed, algorithm, signature] = readFrame(bytes, format);
  return { ...readSignature(signed, algorithm, signature, format), fields: der.derSequence(signed) };
}

/** What is signed, the algorithm and the signature, whatever the algorithm is. @throws MalformedError */
export function readFrame(
  bytes: Uint8Array,
  format: string,
): [signed: der.DerElement, algorithm: der.DerElement, signature: der.DerElement] {
  const [signed, algorithm, signature, ...rest] = der.derSequence(der.readDer(bytes));
  if (signed === undefined || algorithm === undefined || signature === undefined || rest.length > 0) {
    throw new MalformedError(format, "expected what is signed, the algorithm and the signature");
  }
  return [signed, algorithm, signature];
}

/** The three parts of a signed structure. @throws MalformedError for any other algorithm than the two. */
export function readSignature(
  signed: der.DerElement,
  algorithm: der.DerElement,
  signature: der.DerElement,
  format: string,
): SignedDer {
  const form = ALGORITHMS[encodeHex(algorithm.raw)];
  if (form === undefined) throw new MalformedError(format, "not signed with ECDSA and SHA-256 or SHA-384");
  return {
    signedBytes: signed.raw,
    algorithm: form.name,
    signature: der.rawEcdsaSignature(der.derBitString(signature), form.size),
  };
}

/** The algorithm stands inside and outside of what is signed, and must be the one that is verified. */
export function requireAlgorithm(inside: der.DerElement, { algorithm }: SignedDer, format: string): void {
  if (ALGORITHMS[encodeHex(inside.raw)]?.name !== algorithm) {
    throw new MalformedError(format, "the signature algorithm differs inside and outside");
  }
}
