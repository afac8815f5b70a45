// Writes, reads and verifies COSE_Sign1 messages (RFC 9052 §4.2, §4.4) by ECDSA P-256 and Ed25519 keys.
import { Tagged } from "cborg";
import { type PublicKey, signatureAlgorithmOf, verifySignature } from "../cryptography/signature.ts";
import { decodeBase64 } from "../encoding/base64.ts";
import { decodeHex } from "../encoding/hex.ts";
import { MalformedError } from "../errors.ts";
import { type Cbor, decodeStrictCbor, encodeCbor, map, NoFractions } from "./cbor.ts";

/** A key that signs COSE messages: ECDSA P-256 or Ed25519, 64 bytes a signature. */
export interface CoseSigner {
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
const ALGORITHMS: ReadonlyMap<string, number> = new Map([
  ["ecdsa-p256-sha256", -7],
  ["ed25519", -8],
]);

const SIGN1 = 18;
const SIGNATURE_BYTES = 64;

/** A signature, and the protected header that it is under beside the payload. */
export interface CoseSignature {
  /** The bytes that were signed: the encoded map. */
  readonly protectedHeader: Uint8Array;
  /** 64 bytes. */
  readonly signature: Uint8Array;
}

/** A message that was read; nothing is verified yet. */
export interface CoseSign1 extends CoseSignature {
  readonly headers: ReadonlyMap<unknown, unknown>;
  readonly unprotected: ReadonlyMap<unknown, unknown>;
  /** null where it is detached. */
  readonly payload: Uint8Array | null;
}

/**
 * Signs a payload.
 * @param headers protected headers beside `alg` and `kid`.
 * @throws MalformedError for a key of another algorithm.
 */
export async function signCose(
  signer: CoseSigner,
  headers: ReadonlyArray<readonly [number, Cbor]>,
  payload: Uint8Array,
): Promise<CoseSignature> {
  const algorithm = ALGORITHMS.get(signatureAlgorithmOf(decodeBase64(signer.spki)) ?? "");
  if (algorithm === undefined)
    throw new MalformedError("signing key", "COSE is signed by ECDSA P-256 or Ed25519 here");
  const protectedHeader = encodeCbor(
    map([HEADER.alg, algorithm], [HEADER.kid, decodeHex(signer.keyId)], ...headers),
  );
  return { protectedHeader, signature: await signer.sign(signatureInput(protectedHeader, payload)) };
}

/** @param payload null leaves it out of the message: it is detached. */
export function encodeCoseSign1(
  { protectedHeader, signature }: CoseSignature,
  payload: Uint8Array | null,
  unprotected: ReadonlyMap<string | number, Cbor> = map(),
): Uint8Array<ArrayBuffer> {
  return encodeCbor(new Tagged(SIGN1, [protectedHeader, unprotected, payload, signature]));
}

/** Sig_structure of RFC 9052 §4.4, without external data. */
export function signatureInput(protectedHeader: Uint8Array, payload: Uint8Array): Uint8Array {
  return encodeCbor(["Signature1", protectedHeader, new Uint8Array(), payload]);
}

/**
 * Reads a tagged message. The order of labels is free, as COSE has it; everything else has one form.
 * @throws MalformedError naming `format`.
 */
export function parseCoseSign1(bytes: Uint8Array, format: string): CoseSign1 {
  const options = { useMaps: true, allowBigInt: false, tags: { [SIGN1]: Tagged.decoder(SIGN1) } };
  const message = decodeStrictCbor(bytes, format, options, NoFractions);
  const parts: readonly unknown[] =
    message instanceof Tagged && Array.isArray(message.value) ? message.value : [];
  const [protectedHeader, unprotected, payload, signature] = parts;
  if (
    parts.length !== 4 ||
    !(protectedHeader instanceof Uint8Array) ||
    !(unprotected instanceof Map) ||
    !(payload === null || payload instanceof Uint8Array) ||
    !(signature instanceof Uint8Array)
  )
    throw new MalformedError(
      format,
      "expected COSE_Sign1: tag 18, and an array of headers, payload, signature",
    );
  if (signature.length !== SIGNATURE_BYTES)
    throw new MalformedError(
      format,
      `expected a signature of ${SIGNATURE_BYTES} bytes, got ${signature.length}`,
    );
  const headers = parseHeaders(protectedHeader, format);
  if ([...unprotected.keys()].some((label) => headers.has(label)))
    throw new MalformedError(format, "a label is in both headers");
  return { protectedHeader, headers, unprotected, payload, signature };
}

/** A label that must be understood (`crit`) is understood by nobody here: there is none that changes what is read. */
function parseHeaders(bytes: Uint8Array, format: string): ReadonlyMap<unknown, unknown> {
  const headers = decodeStrictCbor(bytes, format, { useMaps: true, allowBigInt: false }, NoFractions);
  if (!(headers instanceof Map)) throw new MalformedError(format, "the protected header is no map");
  if (headers.has(CRITICAL)) throw new MalformedError(format, "the protected header has label 2, crit");
  return headers;
}

const CRITICAL = 2;

/** Whether the key signed this payload under this protected header, by the one algorithm that such a key has. */
export async function verifyCose(
  { protectedHeader, headers, signature }: CoseSign1,
  key: PublicKey,
  payload: Uint8Array,
): Promise<boolean> {
  const algorithm = ALGORITHMS.get(key.algorithm);
  if (algorithm === undefined || headers.get(HEADER.alg) !== algorithm) return false;
  return verifySignature(key, signatureInput(protectedHeader, payload), signature);
}
