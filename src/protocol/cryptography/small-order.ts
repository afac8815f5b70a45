// Recognises Ed25519 points of small order. The WebCrypto specification refuses them and RFC 8032 does not, so that OpenSSL 3.5 and
// browsers refuse signatures that OpenSSL 3.0 and Go accept: what one party takes, every other must, so they are refused before.
import { equalBytes } from "../encoding/bytes.ts";
import { decodeHex } from "../encoding/hex.ts";

/** The y coordinates of the points of order 8, little-endian; those of smaller orders are 0, 1 and p − 1. */
const ORDER_8 = /* @__PURE__ */ [
  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
].map(decodeHex);

/** The last bytes of all of them without the sign bit: nearly every other point ends here. */
const LAST_BYTES: readonly number[] = [0x00, 0x05, 0x7a, 0x7f];

/** @param point 32 bytes (RFC 8032 §5.1.2), in this encoding or one that is not reduced modulo p: p is 2^255 − 19. */
export function isSmallOrder(point: Uint8Array): boolean {
  if (!LAST_BYTES.includes((point[31] ?? 0) & 0x7f)) return false;
  const y = point.map((byte, i) => (i === 31 ? byte & 0x7f : byte));
  const [low = 0, high = 0] = [y[0], y[31]];
  const middle = y.subarray(1, 31);
  if (high === 0 && middle.every((byte) => byte === 0)) return low <= 1;
  // p − 1, and p and p + 1, which are 0 and 1.
  if (high === 0x7f && middle.every((byte) => byte === 0xff)) return low >= 0xec && low <= 0xee;
  return ORDER_8.some((known) => equalBytes(known, y));
}

/**
 * Whether the key, or the R of the signature, is of small order.
 * @param publicKey 32 bytes; @param signature 64 bytes.
 */
export function holdsSmallOrder(publicKey: Uint8Array, signature: Uint8Array): boolean {
  return isSmallOrder(publicKey) || isSmallOrder(signature.subarray(0, 32));
}
