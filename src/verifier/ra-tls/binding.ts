// Says what REPORTDATA must be for a quote to vouch for a channel's key: touchstone-binding/v1 (docs/formats.md), and the ways of others. All
// 64 bytes are compared: Gramine, RATS-TLS and Azure compare 32 and leave the rest to the attacker.
import { sha256, sha512 } from "../../protocol/cryptography/hash.ts";
import { concatBytes, equalBytes } from "../../protocol/encoding/bytes.ts";
import { utf8 } from "../../protocol/encoding/text.ts";
import { VerificationError } from "../../protocol/errors.ts";
import type { GpuClaims } from "../evidence.ts";
import type { CertificateEvidence } from "./certificate-evidence.ts";
import { parseDiceClaims } from "./dice.ts";
import { bindingReportData, type RaTlsCode, requireNonce, requireReportData } from "./own-binding.ts";

const REPORT_DATA_LENGTH = 64;

/** How a quote is bound to a channel, with everything that the format hashes. `channelKey` is SPKI DER, or the raw HPKE public key. */
export type Binding =
  | {
      readonly format: "touchstone-binding/v1";
      readonly channelKey: Uint8Array;
      readonly nonce: Uint8Array;
      readonly gpuClaims: GpuClaims;
    }
  | {
      readonly format: "ccc-ra-tls";
      readonly channelKey: Uint8Array;
      readonly claims: Uint8Array;
      /** The verifier's challenge; null when it sent none. */
      readonly nonce: Uint8Array | null;
    }
  | { readonly format: "dstack-ratls" | "gramine-ra-tls"; readonly channelKey: Uint8Array }
  | { readonly format: "contrast-atls"; readonly channelKey: Uint8Array; readonly nonce: Uint8Array }
  | {
      readonly format: "flashbots-atls";
      readonly channelKey: Uint8Array;
      readonly notBefore: Date;
      readonly notAfter: Date;
      readonly commonName: string;
    };

/**
 * What keeps old evidence from being shown again. `challenge`: the verifier's own nonce is in it. `certificate-validity`: the short life
 * of the certificate, which the caller must check. `key-lifetime`: nothing, for as long as the key lives.
 */
export type Freshness = "challenge" | "certificate-validity" | "key-lifetime";

/** How fresh evidence is whose binding verified. @param challenge the nonce that the verifier sent, or null. */
export function freshnessOf(binding: Binding, challenge: Uint8Array | null): Freshness {
  if (binding.format === "flashbots-atls") return "certificate-validity";
  const nonce = "nonce" in binding ? binding.nonce : null;
  return challenge && nonce && equalBytes(challenge, nonce) ? "challenge" : "key-lifetime";
}

/**
 * Checks the REPORTDATA of a quote against a binding, all 64 bytes of it.
 * @throws VerificationError "binding" when the quote vouches for another key, nonce or set of claims; MalformedError for claims that
 * are not well-formed.
 */
export function verifyBinding(reportData: Uint8Array, binding: Binding): void {
  requireReportData(reportData, expectedReportData(binding), binding.format);
}

/** The 64 bytes that REPORTDATA must be. @throws as verifyBinding does, where the claims contradict the key or the nonce. */
export function expectedReportData(binding: Binding): Uint8Array {
  const { channelKey } = binding;
  switch (binding.format) {
    case "touchstone-binding/v1":
      return bindingReportData(binding);
    case "ccc-ra-tls":
      return padded(sha256(verifyDiceClaims(binding)));
    case "gramine-ra-tls":
      return padded(sha256(channelKey));
    case "dstack-ratls":
      return sha512(concatBytes(utf8("ratls-cert:"), channelKey));
    case "contrast-atls":
      // Key and nonce are not framed: only a nonce of fixed length keeps one from running into the other.
      requireNonce(binding.nonce);
      return sha512(concatBytes(channelKey, binding.nonce));
    case "flashbots-atls":
      return sha512(
        concatBytes(
          channelKey,
          bigEndianSeconds(binding.notBefore),
          bigEndianSeconds(binding.notAfter),
          utf8(binding.commonName),
        ),
      );
  }
}

/**
 * The binding that a certificate's own form uses; null where it has none: SGX-only forms, Contrast without a challenge, Flashbots without
 * a common name.
 * @param nonce the verifier's challenge, or null. Without one the nonce that our own form states is taken: the one of its boot.
 */
export function bindingOfCertificate(
  evidence: CertificateEvidence,
  nonce: Uint8Array | null,
): Binding | null {
  const channelKey = evidence.spki;
  switch (evidence.form) {
    case "touchstone-ra-tls/v1": {
      const { claims: gpuClaims, nonce: stated } = evidence.evidence;
      return { format: "touchstone-binding/v1", channelKey, nonce: nonce ?? stated, gpuClaims };
    }
    case "ccc-ra-tls":
      return { format: "ccc-ra-tls", channelKey, claims: evidence.claims, nonce };
    case "dstack-ratls":
    case "gramine-ra-tls":
      return { format: evidence.form, channelKey };
    case "contrast-atls":
      return nonce === null ? null : { format: "contrast-atls", channelKey, nonce };
    case "flashbots-atls": {
      const { notBefore, notAfter, commonName } = evidence;
      return commonName === null
        ? null
        : { format: "flashbots-atls", channelKey, notBefore, notAfter, commonName };
    }
    default:
      return null;
  }
}

function verifyDiceClaims(binding: Extract<Binding, { format: "ccc-ra-tls" }>): Uint8Array {
  const claims = parseDiceClaims(binding.claims);
  if (!claims.names(binding.channelKey)) {
    throw new VerificationError<RaTlsCode>("binding", "the claims name another public key");
  }
  if (binding.nonce !== null && !(claims.nonce && equalBytes(claims.nonce, binding.nonce))) {
    throw new VerificationError<RaTlsCode>("binding", "the claims do not hold the nonce that was asked for");
  }
  return binding.claims;
}

function padded(digest: Uint8Array): Uint8Array {
  return concatBytes(digest, new Uint8Array(REPORT_DATA_LENGTH - digest.length));
}

function bigEndianSeconds(time: Date): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(Math.floor(time.getTime() / 1000)));
  return bytes;
}
