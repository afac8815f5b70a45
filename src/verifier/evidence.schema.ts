// Gives the schema of evidence.json (evidence.ts): its binary parts are texts here, and are decoded after it.
import * as z from "zod";
import { MAX_CCEL_BYTES } from "./tdx/ccel-table.ts";
import { tdxCollateral } from "./tdx/collateral.schema.ts";

const KIB = 1024;
const MAX_DEVICES = 16;
const base64 = (most: number) => z.string().max(Math.ceil(most / 3) * 4);

const tdx = z.strictObject({
  quote: base64(64 * KIB).describe("TDX quote v4 or v5, base64"),
  collateral: tdxCollateral,
  eventLog: z
    .strictObject({
      format: z.enum(["ccel", "dstack"]).describe("TCG2 binary log of the CCEL table, or dstack's JSON"),
      data: base64(MAX_CCEL_BYTES),
    })
    .optional(),
});

/** What a GPU shows of itself, and a switch in the same form. */
export const deviceDocument = z.strictObject({
  report: base64(16 * KIB).describe("SPDM GET_MEASUREMENTS request and response, signature last, base64"),
  chain: z
    .string()
    .max(32 * KIB)
    .describe("Certificates of the attestation key, PEM, leaf first, root last"),
  ocsp: z
    .array(base64(16 * KIB))
    .max(8)
    .describe("Stapled OCSP responses (RFC 6960), DER, base64"),
  crls: z
    .array(base64(256 * KIB))
    .max(8)
    .describe("Stapled CRLs, DER, base64"),
});

const reportDigests = z.array(z.string().regex(/^[0-9a-f]{64}$/)).max(MAX_DEVICES);

/** What the measured guest states about its GPUs and their switches. Believed only through its digest in REPORTDATA. */
export const gpuClaims = z.strictObject({
  ccMode: z.enum(["on", "off", "devtools"]).describe("Confidential-computing mode that the driver reports"),
  devtools: z.boolean().describe("Whether the driver reports the devtools (debugging) mode"),
  mode: z.enum(["single", "mpt", "ppcie"]).describe("How the driver says that the GPUs are passed through"),
  reports: reportDigests.describe("SHA-256 of each GPU report, hex, in the order of gpus"),
  switches: reportDigests.describe("SHA-256 of each switch report, hex, in the order of switches"),
});

export const evidenceDocument = z.strictObject({
  version: z.literal(1),
  tdx,
  gpus: z.array(deviceDocument).max(MAX_DEVICES),
  switches: z
    .array(deviceDocument)
    .max(MAX_DEVICES)
    .describe("The NVSwitches between the GPUs; none where each GPU is passed through for itself"),
  nonce: z
    .string()
    .length(64)
    .describe("The nonce that REPORTDATA and the GPU request nonces were made from, 32 bytes, hex"),
  claims: gpuClaims,
});
