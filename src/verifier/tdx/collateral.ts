// Reads what Intel publishes for judging a quote, stapled as one JSON object, and the two signed documents in it: TCB Info v3 for TDX and
// the TD quoting enclave's identity v2 (Intel PCS API v4). The signatures are over the raw text: it is parsed only after they hold.
import * as z from "zod";
import { encodeHex } from "../../protocol/encoding/hex.ts";
import { readAs } from "../../protocol/encoding/shape.ts";
import { time as timeText } from "../../protocol/entry/fields.ts";
import { parseJson } from "../../protocol/envelope/parse-json.ts";
import { MalformedError } from "../../protocol/errors.ts";
import { type HandedOver, parseHandedOver } from "../handed-over.ts";
import { hexText } from "../hex-text.ts";

const KIB = 1024;
/** Above the sum of the limits of the fields. */
const MAX_COLLATERAL_BYTES = 1024 * KIB;
const MAX_DOCUMENT_BYTES = 256 * KIB;

const pemChain = z.string().max(32 * KIB);
const signature = hexText(64, 64);
const derHex = (max: number) => hexText(0, max / 2);

export const tdxCollateralSchema = z
  .strictObject({
    tcbInfo: z.string().max(MAX_DOCUMENT_BYTES).describe("The signed JSON object as text, byte for byte"),
    tcbInfoSignature: signature.describe("ECDSA P-256 over tcbInfo, r‖s, hex"),
    tcbInfoIssuerChain: pemChain.describe("PEM: TCB signing certificate, root"),
    qeIdentity: z.string().max(MAX_DOCUMENT_BYTES).describe("The signed JSON object as text, byte for byte"),
    qeIdentitySignature: signature.describe("ECDSA P-256 over qeIdentity, r‖s, hex"),
    qeIdentityIssuerChain: pemChain.describe("PEM: TCB signing certificate, root"),
    pckCrl: derHex(512 * KIB).describe("DER, hex; issued by the first certificate of pckCrlIssuerChain"),
    pckCrlIssuerChain: pemChain.describe("PEM: PCK Platform or Processor CA, root"),
    rootCaCrl: derHex(64 * KIB).describe("DER, hex; issued by the root"),
  })
  .describe("Intel PCS v4 collateral for one quote");
export type TdxCollateral = z.infer<typeof tdxCollateralSchema>;

/** What is said of something else that is handed over as collateral. */
export const COLLATERAL: HandedOver = {
  format: "TDX collateral",
  maxBytes: MAX_COLLATERAL_BYTES,
  names: Object.keys(tdxCollateralSchema.shape),
};

/** Reads `collateral.json`. @throws MalformedError with the JSON pointer of the first fault, or what else the input looks like. */
export function parseTdxCollateral(input: Uint8Array | string): TdxCollateral {
  return readAs(tdxCollateralSchema, parseHandedOver(input, COLLATERAL), COLLATERAL.format);
}

/** Intel writes hex in upper case, and might not always. */
const hexBytes = (length: number) => hexText(length, length);
const time = timeText.transform((text) => new Date(text));
const svn = z.int().min(0).max(65535);
const componentSvns = z
  .array(z.object({ svn: z.int().min(0).max(255) }).transform((component) => component.svn))
  .length(16);

/** TCB statuses in Intel's words. */
const tcbStatus = z.enum([
  "UpToDate",
  "SWHardeningNeeded",
  "ConfigurationNeeded",
  "ConfigurationAndSWHardeningNeeded",
  "OutOfDate",
  "OutOfDateConfigurationNeeded",
  "Revoked",
]);
/**
 * @example
 * ```ts
 * import { tcbLevel, type TcbStatus } from "touchstone/testing";
 * const status: TcbStatus = "OutOfDate";
 * const level = tcbLevel(2, status, ["INTEL-SA-00001"]);
 * ```
 */
export type TcbStatus = z.infer<typeof tcbStatus>;

const judgement = {
  tcbDate: time,
  tcbStatus,
  advisoryIDs: z.array(z.string().max(64)).max(256).default([]),
};
const isvLevels = z
  .array(z.object({ tcb: z.object({ isvsvn: svn }), ...judgement }))
  .min(1)
  .max(64);
const moduleIdentity = {
  mrsigner: hexBytes(48),
  attributes: hexBytes(8),
  attributesMask: hexBytes(8),
};
const dated = { issueDate: time, nextUpdate: time, tcbEvaluationDataNumber: z.int().min(1) };

// Not strict: Intel adds fields to a version (tdxModuleIdentities came into version 3), and its signature vouches for all of them.
const tcbInfoSchema = z.object({
  id: z.literal("TDX"),
  version: z.literal(3),
  ...dated,
  fmspc: hexBytes(6),
  pceId: hexBytes(2),
  tcbType: z.literal(0),
  tdxModule: z.object(moduleIdentity),
  tdxModuleIdentities: z
    .array(z.object({ id: z.string().max(32), ...moduleIdentity, tcbLevels: isvLevels }))
    .max(64)
    .default([]),
  tcbLevels: z
    .array(
      z.object({
        tcb: z.object({ sgxtcbcomponents: componentSvns, pcesvn: svn, tdxtcbcomponents: componentSvns }),
        ...judgement,
      }),
    )
    .min(1)
    .max(128),
});
export type TcbInfo = z.infer<typeof tcbInfoSchema>;

const qeIdentitySchema = z.object({
  id: z.literal("TD_QE"),
  version: z.literal(2),
  ...dated,
  miscselect: hexBytes(4),
  miscselectMask: hexBytes(4),
  attributes: hexBytes(16),
  attributesMask: hexBytes(16),
  mrsigner: hexBytes(32),
  isvprodid: svn,
  tcbLevels: isvLevels,
});
export type QeIdentity = z.infer<typeof qeIdentitySchema>;

/** Reads TCB Info whose signature was verified. @throws MalformedError */
export function parseTcbInfo(text: string): TcbInfo {
  return readAs(tcbInfoSchema, parseDocument(text, "TCB Info"), "TCB Info");
}

/** Reads a QE identity whose signature was verified. @throws MalformedError */
export function parseQeIdentity(text: string): QeIdentity {
  return readAs(qeIdentitySchema, parseDocument(text, "QE identity"), "QE identity");
}

/**
 * Every number in Intel's documents is a whole one that is not negative (PCS API v4). One that is written otherwise, such as an SVN of 0.0
 * or 1e1, is the same number to JSON, and no number to the readers that a strict document is made for.
 */
function parseDocument(text: string, format: string) {
  const value = parseJson(text, MAX_DOCUMENT_BYTES);
  const number = text.replace(/"(?:[^"\\]|\\.)*"/g, '""').match(/-[0-9]+|[0-9]+[.eE][0-9+-]*/)?.[0];
  if (number !== undefined) throw new MalformedError(format, `${number} is not written as a whole number`);
  return value;
}

/** `value & mask` of two hex strings of equal length: how Intel's documents compare attributes. */
export function masked(value: Uint8Array, mask: Uint8Array): string {
  return encodeHex(value.map((byte, i) => byte & (mask[i] ?? 0)));
}
