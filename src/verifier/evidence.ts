// Reads evidence.json: everything that one machine shows about itself, stapled in one file, because a browser cannot reach the vendors'
// endpoints (docs/appraisal.md, "evidence.json"). Parsed here once, with a limit on every length; the parts stay bytes for the verifiers of their formats.
import * as z from "zod";
import { decodeBase64 } from "../protocol/encoding/base64.ts";
import { decodeHex } from "../protocol/encoding/hex.ts";
import { readAs } from "../protocol/encoding/shape.ts";
import type { Json } from "../protocol/envelope/canonical-json.ts";
import { type HandedOver, parseHandedOver, requireNames } from "./handed-over.ts";
import { MAX_CCEL_BYTES } from "./tdx/ccel.ts";
import { COLLATERAL, tdxCollateralSchema } from "./tdx/collateral.ts";

const KIB = 1024;
/** 16 GPUs with chains and OCSP answers, a quote and a CCEL table of 1 MiB together stay far below this. */
export const MAX_EVIDENCE_BYTES = 4096 * KIB;

function bytes(min: number, max: number) {
  return z
    .string()
    .max(Math.ceil(max / 3) * 4)
    .transform((text, context) => {
      const value = decodeOr(context, () => decodeBase64(text));
      if (value.length < min || value.length > max) {
        context.addIssue({ code: "custom", message: `expected ${min} to ${max} bytes, got ${value.length}` });
      }
      return value;
    });
}

function hexBytes(length: number) {
  return z
    .string()
    .length(2 * length)
    .transform((text, context) => decodeOr(context, () => decodeHex(text)));
}

function decodeOr(context: z.RefinementCtx, decode: () => Uint8Array): Uint8Array {
  try {
    return decode();
  } catch (error) {
    context.addIssue({ code: "custom", message: error instanceof Error ? error.message : "not decodable" });
    return z.NEVER;
  }
}

const tdx = z.strictObject({
  quote: bytes(1, 64 * KIB).describe("TDX quote v4 or v5, base64"),
  collateral: tdxCollateralSchema,
  eventLog: z
    .strictObject({
      format: z.enum(["ccel", "dstack"]).describe("TCG2 binary log of the CCEL table, or dstack's JSON"),
      data: bytes(1, MAX_CCEL_BYTES),
    })
    .optional(),
});

const gpu = z.strictObject({
  report: bytes(1, 16 * KIB).describe("SPDM GET_MEASUREMENTS request and response, signature last, base64"),
  chain: z
    .string()
    .max(32 * KIB)
    .describe("Certificates of the attestation key, PEM, leaf first, root last"),
  ocsp: z
    .array(bytes(1, 16 * KIB))
    .max(8)
    .describe("Stapled OCSP responses (RFC 6960), DER, base64"),
  crls: z
    .array(bytes(1, 256 * KIB))
    .max(8)
    .describe("Stapled CRLs, DER, base64"),
});

/** What the measured guest states about its GPUs. Believed only through its digest in REPORTDATA. */
export const gpuClaimsSchema = z.strictObject({
  ccMode: z.enum(["on", "off", "devtools"]).describe("Confidential-computing mode that the driver reports"),
  devtools: z.boolean().describe("Whether the driver reports the devtools (debugging) mode"),
  reports: z
    .array(z.string().regex(/^[0-9a-f]{64}$/))
    .max(16)
    .describe("SHA-256 of each GPU report, hex, in the order of gpus"),
});

const evidenceSchema = z.strictObject({
  version: z.literal(1),
  tdx,
  gpus: z.array(gpu).max(16),
  nonce: hexBytes(32).describe(
    "The nonce that REPORTDATA and the GPU request nonces were made from, 32 bytes, hex",
  ),
  claims: gpuClaimsSchema,
});

/**
 * @example
 * ```ts
 * import type { GpuClaims } from "touchstone/verifier";
 * const claims: GpuClaims = { ccMode: "on", devtools: false, reports: [] };
 * ```
 */
export type GpuClaims = z.output<typeof gpuClaimsSchema>;
/**
 * Evidence with its binary parts decoded.
 * @example
 * ```ts
 * import type { Evidence } from "touchstone/verifier";
 * const gpuCount = ({ gpus }: Evidence): number => gpus.length;
 * ```
 */
export type Evidence = z.output<typeof evidenceSchema>;
/**
 * The JSON value of `evidence.json`: binary parts in padded base64, the nonce in hex.
 * @example
 * ```ts
 * import type { EvidenceDocument } from "touchstone/verifier";
 * const text = (document: EvidenceDocument): string => JSON.stringify(document);
 * ```
 */
export type EvidenceDocument = z.input<typeof evidenceSchema>;
export type GpuEvidence = Evidence["gpus"][number];

const EVIDENCE: HandedOver = {
  format: "evidence",
  maxBytes: MAX_EVIDENCE_BYTES,
  names: Object.keys(evidenceSchema.shape),
};

function member(value: Json | undefined, name: string): Json | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? value[name] : undefined;
}

/**
 * Reads `evidence.json`: strict UTF-8 JSON of at most 4 MiB. Says nothing about whether the evidence is true.
 * @throws MalformedError with the JSON pointer of the first fault.
 * @example
 * ```ts
 * import { parseEvidence } from "touchstone/verifier";
 * const quoteOf = (bytes: Uint8Array): Uint8Array => parseEvidence(bytes).tdx.quote;
 * ```
 */
export function parseEvidence(input: Uint8Array): Evidence {
  const value = parseHandedOver(input, EVIDENCE);
  requireNames(member(member(value, "tdx"), "collateral"), COLLATERAL, "", "/tdx/collateral");
  return readAs(evidenceSchema, value, EVIDENCE.format);
}
