// Signs and verifies with ML-DSA-44 (FIPS 204, empty context) in portable code. It alone needs @noble/post-quantum, so it is only ever
// imported when such a key is at hand: a page whose trust root counts none never loads it.
import { ml_dsa44 } from "@noble/post-quantum/ml-dsa.js";

/**
 * Checks a signature.
 * @param publicKey 1312 bytes; @param signature 2420 bytes.
 */
export type VerifyMlDsa44 = (
  publicKey: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
) => boolean | Promise<boolean>;

export const verifyMlDsa44: VerifyMlDsa44 = (publicKey, message, signature) =>
  ml_dsa44.verify(signature, message, publicKey);

/** The key pair of a seed (FIPS 204 §5.1). */
export interface MlDsa44Pair {
  /** 1312 bytes. */
  readonly publicKey: Uint8Array;
  /** A signature of 2420 bytes. */
  readonly sign: (message: Uint8Array) => Uint8Array;
}

/** @param seed 32 bytes. */
export function mlDsa44Of(seed: Uint8Array): MlDsa44Pair {
  const { publicKey, secretKey } = ml_dsa44.keygen(seed);
  return { publicKey, sign: (message) => ml_dsa44.sign(message, secretKey) };
}
