// Writes the discovery document of CoSERV (draft-ietf-rats-coserv-07 §6.1.2): what is offered, where, and by which key results are signed.

import { type Cbor, encodeCbor, map } from "../protocol/cose/cbor.ts";
import type { CoseSigner } from "../protocol/cose/cose-sign1.ts";
import { signatureAlgorithmOf } from "../protocol/cryptography/signature.ts";
import { decodeBase64 } from "../protocol/encoding/base64.ts";
import { encodeBase64Url } from "../protocol/encoding/base64url.ts";
import { decodeHex } from "../protocol/encoding/hex.ts";
import { CORIM_PROFILE } from "./corim.ts";
import { COSERV_MEDIA_TYPE, SIGNED_COSERV_MEDIA_TYPE } from "./coserv.ts";

export const COSERV_PATH = "/endorsement-distribution/v1/coserv/{query}";
/** Of the document, in the order of preference. */
export const DISCOVERY_MEDIA_TYPES = [
  "application/coserv-discovery+json",
  "application/coserv-discovery+cbor",
] as const;
const ARTIFACTS = ["source", "collected"];

export interface Offer {
  /** Semantic version of the service. */
  readonly version: string;
  /** What stands before every path of the service; "" where nothing does. */
  readonly prefix: string;
  /** null where nothing is signed, and so only unsigned results are offered. */
  readonly signer: Pick<CoseSigner, "keyId" | "spki"> | null;
}

/** Media types of a result, in the order of preference: a signed one where there is a key. */
export function offeredTypes(signer: Offer["signer"]): readonly [string, ...string[]] {
  return signer === null ? [COSERV_MEDIA_TYPE] : [SIGNED_COSERV_MEDIA_TYPE, COSERV_MEDIA_TYPE];
}

export function profiled(mediaType: string): string {
  return `${mediaType}; profile="${CORIM_PROFILE}"`;
}

export function discoveryJson({ version, prefix, signer }: Offer): string {
  return JSON.stringify({
    version,
    capabilities: offeredTypes(signer).map((offered) => ({
      "media-type": profiled(offered),
      "artifact-support": ARTIFACTS,
    })),
    "api-endpoints": { CoSERVRequestResponse: prefix + COSERV_PATH },
    ...(signer && { "result-verification-key": [jwkOf(signer)] }),
  });
}

export function discoveryCbor({ version, prefix, signer }: Offer): Uint8Array<ArrayBuffer> {
  return encodeCbor(
    map(
      [1, version],
      [2, offeredTypes(signer).map((offered) => map([1, profiled(offered)], [2, ARTIFACTS]))],
      [3, map(["CoSERVRequestResponse", prefix + COSERV_PATH])],
      [4, signer ? [coseKeyOf(signer)] : undefined],
    ),
  );
}

type Key = NonNullable<Offer["signer"]>;

/** Coordinates of 32 bytes: x and y on P-256, x alone of Ed25519. An SPKI ends with them. */
function pointOf({ spki }: Key): { readonly x: Uint8Array; readonly y: Uint8Array | null } {
  const der = decodeBase64(spki);
  return signatureAlgorithmOf(der) === "ecdsa-p256-sha256"
    ? { x: der.slice(-64, -32), y: der.slice(-32) }
    : { x: der.slice(-32), y: null };
}

/** RFC 7517, RFC 8037. */
function jwkOf(key: Key) {
  const { x, y } = pointOf(key);
  const kid = key.keyId;
  return y === null
    ? { alg: "EdDSA", crv: "Ed25519", kty: "OKP", x: encodeBase64Url(x), kid }
    : { alg: "ES256", crv: "P-256", kty: "EC", x: encodeBase64Url(x), y: encodeBase64Url(y), kid };
}

/** RFC 9052 §7, RFC 9053 §7. */
function coseKeyOf(key: Key): Cbor {
  const { x, y } = pointOf(key);
  const kid = decodeHex(key.keyId);
  return y === null
    ? map([1, 1], [2, kid], [3, -8], [-1, 6], [-2, x])
    : map([1, 2], [2, kid], [3, -7], [-1, 1], [-2, x], [-3, y]);
}
