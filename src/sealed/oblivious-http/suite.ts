// Names the one suite of sealed requests: X25519, HKDF-SHA256 and AES-128-GCM, which every browser has. Others are refused, not
// negotiated: whoever could choose among suites could choose the weakest.
import { AEAD_AES_128_GCM, CipherSuite, KDF_HKDF_SHA256, KEM_DHKEM_X25519_HKDF_SHA256 } from "hpke";

/** HPKE (RFC 9180) in base mode. */
export const SUITE = /* @__PURE__ */ new CipherSuite(
  KEM_DHKEM_X25519_HKDF_SHA256,
  KDF_HKDF_SHA256,
  AEAD_AES_128_GCM,
);

/** Identifiers of RFC 9180 §7. */
export const KEM = 0x0020;
export const KDF = 0x0001;
export const AEAD = 0x0001;

/** Bytes of a public key, and of an encapsulated one. */
export const KEY_LENGTH = 32;
/** Bytes that encryption adds. */
export const TAG_LENGTH = 16;
/** Bytes of the nonce of a reply: the greater of the lengths of AEAD key and nonce (RFC 9458 §4.4). */
export const RESPONSE_NONCE_LENGTH = 16;
