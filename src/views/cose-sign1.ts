// Makes a COSE_Sign1 (RFC 9052 §4.2, §4.4) with a key that the operator holds.
import { signatureAlgorithmOf } from "../protocol/cryptography/signature.ts";
import { decodeBase64 } from "../protocol/encoding/base64.ts";
import { decodeHex } from "../protocol/encoding/hex.ts";
import { MalformedError } from "../protocol/errors.ts";
import { type Cbor, coseSign1, encodeCbor, map } from "./cbor.ts";

/** A key that signs views: ECDSA P-256 or Ed25519, 64 bytes a signature. */
export interface ViewSigner {
  /** Hex SHA-256 of the SPKI DER. */
  readonly keyId: string;
  /** Base64 of the SPKI DER. */
  readonly spki: string;
  sign(message: Uint8Array): Promise<Uint8Array>;
}

/** Labels of COSE headers. */
export const HEADER = { alg: 1, contentType: 3, kid: 4, cwtClaims: 15 } as const;
/** Labels of CWT claims (RFC 8392). */
export const CLAIM = { issuer: 1, subject: 2 } as const;

/** −7 and −8: readers do not all know the newer −9 and −19 of RFC 9864. */
const ALGORITHMS = new Map([
  ["ecdsa-p256-sha256", -7],
  ["ed25519", -8],
]);

/**
 * @param headers protected headers beside `alg` and `kid`.
 * @param payload the bytes that are signed; with `detached` they are not in the message.
 * @throws MalformedError for a key of another algorithm.
 */
export async function signCose(
  signer: ViewSigner,
  headers: ReadonlyArray<readonly [number, Cbor]>,
  payload: Uint8Array,
  {
    detached = false,
    unprotected = map(),
  }: { detached?: boolean; unprotected?: ReadonlyMap<string | number, Cbor> } = {},
): Promise<Uint8Array> {
  const algorithm = ALGORITHMS.get(signatureAlgorithmOf(decodeBase64(signer.spki)) ?? "");
  if (algorithm === undefined)
    throw new MalformedError("signing key", "COSE is signed by ECDSA P-256 or Ed25519 here");
  const protectedHeader = encodeCbor(
    map([HEADER.alg, algorithm], [HEADER.kid, decodeHex(signer.keyId)], ...headers),
  );
  const signature = await signer.sign(signatureInput(protectedHeader, payload));
  return encodeCbor(coseSign1([protectedHeader, unprotected, detached ? null : payload, signature]));
}

/** Sig_structure of RFC 9052 §4.4, without external data. */
export function signatureInput(protectedHeader: Uint8Array, payload: Uint8Array): Uint8Array {
  return encodeCbor(["Signature1", protectedHeader, new Uint8Array(), payload]);
}
