// Puts evidence.json together from its parts, and reads it with the verifier's own parser before anybody else does.
import { sha256 } from "../protocol/cryptography/hash.ts";
import { encodeBase64 } from "../protocol/encoding/base64.ts";
import { encodeHex } from "../protocol/encoding/hex.ts";
import { utf8 } from "../protocol/encoding/text.ts";
import { type EvidenceDocument, type GpuClaims, parseEvidence } from "../verifier/evidence.ts";
import type { TdxCollateral } from "../verifier/tdx/collateral.ts";
import type { CollectedDevice } from "./forms/device-evidence.ts";
import type { GuestEventLog } from "./forms/event-log.ts";
import type { GpuState } from "./machine/gpu-state.ts";

/** OCSP answers and CRLs about the certificates of one device, DER. */
export interface Revocation {
  readonly ocsp: readonly Uint8Array[];
  readonly crls: readonly Uint8Array[];
}

export interface EvidenceParts {
  readonly quote: Uint8Array;
  readonly collateral: TdxCollateral;
  readonly eventLog: GuestEventLog | null;
  readonly devices: readonly CollectedDevice[];
  readonly revocationOf: (device: CollectedDevice) => Revocation;
  /** 32 bytes. */
  readonly nonce: Uint8Array;
  readonly claims: GpuClaims;
}

/** What the guest states of its devices: the driver's words, and the reports in the order of the evidence. */
export function claimsOf(state: GpuState, devices: readonly CollectedDevice[]): GpuClaims {
  const digestsOf = (kind: CollectedDevice["kind"]) =>
    devices.filter((device) => device.kind === kind).map(({ report }) => encodeHex(sha256(report)));
  return { ...state, reports: digestsOf("gpu"), switches: digestsOf("switch") };
}

/** The bytes of evidence.json. @throws MalformedError where a part is longer than a verifier takes. */
export function encodeEvidence(parts: EvidenceParts): Uint8Array {
  const { quote, collateral, eventLog, devices, nonce, claims } = parts;
  const shown = (kind: CollectedDevice["kind"]) =>
    devices
      .filter((device) => device.kind === kind)
      .map((device) => documentOf(device, parts.revocationOf(device)));
  const document: EvidenceDocument = {
    version: 1,
    tdx: {
      quote: encodeBase64(quote),
      collateral,
      ...(eventLog && { eventLog: { format: eventLog.format, data: encodeBase64(eventLog.data) } }),
    },
    gpus: shown("gpu"),
    switches: shown("switch"),
    nonce: encodeHex(nonce),
    claims,
  };
  const bytes = utf8(JSON.stringify(document));
  parseEvidence(bytes);
  return bytes;
}

function documentOf(
  { report, chain }: CollectedDevice,
  { ocsp, crls }: Revocation,
): EvidenceDocument["gpus"][number] {
  return { report: encodeBase64(report), chain, ocsp: ocsp.map(encodeBase64), crls: crls.map(encodeBase64) };
}
