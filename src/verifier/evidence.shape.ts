// Reads what evidence.schema.ts describes. Generated from it by `npm run generate`; do not edit.
import { list, object, oneOf, optional } from "../protocol/shape/containers.ts";
import { atMost, boolean, exactly, matching, string } from "../protocol/shape/scalars.ts";
import { type TdxCollateral, tdxCollateral } from "./tdx/collateral.shape.ts";

export type DeviceDocument = {
  /** SPDM GET_MEASUREMENTS request and response, signature last, base64 */
  report: string;
  /** Certificates of the attestation key, PEM, leaf first, root last */
  chain: string;
  /** Stapled OCSP responses (RFC 6960), DER, base64 */
  ocsp: string[];
  /** Stapled CRLs, DER, base64 */
  crls: string[];
};

export const deviceDocument = object<DeviceDocument>({
  report: string(atMost(21848)),
  chain: string(atMost(32768)),
  ocsp: list(string(atMost(21848)), atMost(8)),
  crls: list(string(atMost(349528)), atMost(8)),
});

export type GpuClaims = {
  /** Confidential-computing mode that the driver reports */
  ccMode: "on" | "off" | "devtools";
  /** Whether the driver reports the devtools (debugging) mode */
  devtools: boolean;
  /** How the driver says that the GPUs are passed through */
  mode: "single" | "mpt" | "ppcie";
  /** SHA-256 of each GPU report, hex, in the order of gpus */
  reports: string[];
  /** SHA-256 of each switch report, hex, in the order of switches */
  switches: string[];
};

export const gpuClaims = object<GpuClaims>({
  ccMode: oneOf("on", "off", "devtools"),
  devtools: boolean(),
  mode: oneOf("single", "mpt", "ppcie"),
  reports: list(string(matching(/^[0-9a-f]{64}$/)), atMost(16)),
  switches: list(string(matching(/^[0-9a-f]{64}$/)), atMost(16)),
});

export type EvidenceDocument = {
  version: 1;
  tdx: {
    /** TDX quote v4 or v5, base64 */
    quote: string;
    /** Intel PCS v4 collateral for one quote */
    collateral: TdxCollateral;
    eventLog?:
      | {
          /** TCG2 binary log of the CCEL table, or dstack's JSON */
          format: "ccel" | "dstack";
          data: string;
        }
      | undefined;
  };
  gpus: DeviceDocument[];
  /** The NVSwitches between the GPUs; none where each GPU is passed through for itself */
  switches: DeviceDocument[];
  /** The nonce that REPORTDATA and the GPU request nonces were made from, 32 bytes, hex */
  nonce: string;
  claims: GpuClaims;
};

export const evidenceDocument = object<EvidenceDocument>({
  version: oneOf(1),
  tdx: object({
    quote: string(atMost(87384)),
    collateral: tdxCollateral,
    eventLog: optional(
      object({
        format: oneOf("ccel", "dstack"),
        data: string(atMost(2796204)),
      }),
    ),
  }),
  gpus: list(deviceDocument, atMost(16)),
  switches: list(deviceDocument, atMost(16)),
  nonce: string(exactly(64)),
  claims: gpuClaims,
});
