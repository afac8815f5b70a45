// Gives the schema of evidence.json (evidence.ts): its binary parts are texts here, and are decoded after it.
import * as z from "zod";
import { MAX_CCEL_BYTES } from "./tdx/ccel.ts";
import { tdxCollateral } from "./tdx/collateral.schema.ts";

const KIB = 1024;
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

const gpu = z.strictObject({
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

/** What the measured guest states about its GPUs. Believed only through its digest in REPORTDATA. */
export const gpuClaims = z.strictObject({
  ccMode: z.enum(["on", "off", "devtools"]).describe("Confidential-computing mode that the driver reports"),
  devtools: z.boolean().describe("Whether the driver reports the devtools (debugging) mode"),
  reports: z
    .array(z.string().regex(/^[0-9a-f]{64}$/))
    .max(16)
    .describe("SHA-256 of each GPU report, hex, in the order of gpus"),
});

export const evidenceDocument = z.strictObject({
  version: z.literal(1),
  tdx,
  gpus: z.array(gpu).max(16),
  nonce: z
    .string()
    .length(64)
    .describe("The nonce that REPORTDATA and the GPU request nonces were made from, 32 bytes, hex"),
  claims: gpuClaims,
});
