// Reads the interoperable RA-TLS evidence of the Confidential Computing Consortium (interoperable-ra-tls, TCG DICE 2.23.133.5.4.9):
// CBOR 60000([quote, claims]), and the claims that the quote's REPORTDATA hashes.
import { Tagged } from "cborg";
import { decodeStrictCbor } from "../../protocol/cose/cbor.ts";
import { sha256, sha384, sha512 } from "../../protocol/cryptography/hash.ts";
import { equalBytes } from "../../protocol/encoding/bytes.ts";
import { MalformedError } from "../../protocol/errors.ts";

const FORMAT = "TCG DICE evidence";
const TEE_QUOTE = 60000;
const HASHES = new Map([
  [1, { hash: sha256, length: 32 }],
  [7, { hash: sha384, length: 48 }],
  [8, { hash: sha512, length: 64 }],
]);

export interface DiceEvidence {
  readonly quote: Uint8Array;
  /** CBOR of the claims map: what REPORTDATA is the SHA-256 of. */
  readonly claims: Uint8Array;
}

export interface DiceClaims {
  /** Whether `spki` hashes to the claim "pubkey-hash". */
  readonly names: (spki: Uint8Array) => boolean;
  readonly nonce: Uint8Array | null;
}

/** @throws MalformedError for anything but tag 60000 with two byte strings in canonical CBOR. */
export function parseDiceEvidence(bytes: Uint8Array): DiceEvidence {
  const value = decodeStrictCbor(bytes, FORMAT, { tags: { [TEE_QUOTE]: Tagged.decoder(TEE_QUOTE) } });
  const [quote, claims, ...rest] = value instanceof Tagged && Array.isArray(value.value) ? value.value : [];
  if (!(quote instanceof Uint8Array) || !(claims instanceof Uint8Array) || rest.length > 0) {
    throw new MalformedError(FORMAT, "expected tag 60000 with a quote and claims");
  }
  return { quote, claims };
}

/**
 * The claims: a map from text to byte strings. Gramine takes one without "pubkey-hash"; here it is required.
 * @throws MalformedError
 */
export function parseDiceClaims(bytes: Uint8Array): DiceClaims {
  const claims = decodeStrictCbor(bytes, FORMAT, { useMaps: true });
  if (!(claims instanceof Map)) throw new MalformedError(FORMAT, "claims are not a map");
  for (const [name, value] of claims) {
    if (typeof name !== "string" || !(value instanceof Uint8Array)) {
      throw new MalformedError(FORMAT, "a claim is not a byte string under a text name");
    }
  }
  const pubkeyHash = claims.get("pubkey-hash");
  if (pubkeyHash === undefined) throw new MalformedError(FORMAT, 'claim "pubkey-hash" is missing');
  return { names: parseHashEntry(pubkeyHash), nonce: claims.get("nonce") ?? null };
}

/** hash-entry = [alg, digest], algorithms of the IANA named-information registry. */
function parseHashEntry(bytes: Uint8Array): (spki: Uint8Array) => boolean {
  const entry = decodeStrictCbor(bytes, FORMAT);
  const [id, digest, ...rest] = Array.isArray(entry) ? entry : [];
  const algorithm = HASHES.get(id);
  if (algorithm === undefined || rest.length > 0) {
    throw new MalformedError(FORMAT, "pubkey-hash is not [1 | 7 | 8, digest]");
  }
  if (!(digest instanceof Uint8Array) || digest.length !== algorithm.length) {
    throw new MalformedError(FORMAT, "the digest in pubkey-hash has another length");
  }
  return (spki) => equalBytes(algorithm.hash(spki), digest);
}
