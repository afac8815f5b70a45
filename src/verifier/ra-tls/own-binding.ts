// Makes what a guest puts into its quote and its GPU requests: touchstone-binding/v1 (docs/formats.md). Apart from the bindings of others, whose
// formats whoever makes evidence need not read.
import { sha256, sha512 } from "../../protocol/cryptography/hash.ts";
import { concatBytes, equalBytes } from "../../protocol/encoding/bytes.ts";
import { encodeHex } from "../../protocol/encoding/hex.ts";
import { utf8 } from "../../protocol/encoding/text.ts";
import { canonicalize } from "../../protocol/envelope/canonical-json.ts";
import { VerificationError } from "../../protocol/errors.ts";
import type { GpuClaims } from "../evidence.ts";

const NONCE_LENGTH = 32;

/** The code of a quote that does not vouch for the channel, the challenge or the claims. */
export type RaTlsCode = "binding";

/**
 * The 64 bytes of `touchstone-binding/v1`. @throws RangeError when the nonce, which comes from the caller, has not 32 bytes.
 * @example
 * ```ts
 * import { bindingReportData } from "touchstone/verifier";
 * const reportData = (channelKey: Uint8Array, nonce: Uint8Array): Uint8Array =>
 *   bindingReportData({ channelKey, nonce, gpuClaims: { ccMode: "on", devtools: false, mode: "single", reports: [], switches: [] } }); // 64 bytes
 * ```
 */
export function bindingReportData(binding: {
  readonly channelKey: Uint8Array;
  readonly nonce: Uint8Array;
  readonly gpuClaims: GpuClaims;
}): Uint8Array {
  requireNonce(binding.nonce);
  return sha512(
    concatBytes(
      utf8("touchstone-binding/v1\0"),
      sha256(binding.channelKey),
      binding.nonce,
      sha256(utf8(canonicalize(binding.gpuClaims))),
    ),
  );
}

/**
 * The nonce that a guest must put into each GPU's report request: SHA-256(SHA-256(channel key) ‖ nonce), 32 bytes.
 * @example
 * ```ts
 * import { gpuRequestNonce } from "touchstone/verifier";
 * const forTheGpu = (channelKey: Uint8Array, nonce: Uint8Array): Uint8Array => gpuRequestNonce(channelKey, nonce); // 32 bytes
 * ```
 */
export function gpuRequestNonce(channelKey: Uint8Array, nonce: Uint8Array): Uint8Array {
  requireNonce(nonce);
  return sha256(concatBytes(sha256(channelKey), nonce));
}

/** All 64 bytes are compared. @throws VerificationError "binding" */
export function requireReportData(found: Uint8Array, expected: Uint8Array, format: string): void {
  if (equalBytes(expected, found)) return;
  throw new VerificationError<RaTlsCode>(
    "binding",
    `REPORTDATA is not that of ${format}: expected ${encodeHex(expected)}, found ${encodeHex(found)}`,
  );
}

/** @throws RangeError unless it has 32 bytes. */
export function requireNonce(nonce: Uint8Array): void {
  if (nonce.length !== NONCE_LENGTH)
    throw new RangeError(`a nonce has ${NONCE_LENGTH} bytes, got ${nonce.length}`);
}
