// Gives the schemas of Intel's collateral and of the two signed documents in it (collateral.ts).
import * as z from "zod";
import { time as timeText } from "../../protocol/entry/fields.schema.ts";
import { hexText } from "../hex-text.schema.ts";
import { dateOf, MAX_DOCUMENT_BYTES, svnOf } from "./collateral-fields.ts";

const KIB = 1024;
const pemChain = z.string().max(32 * KIB);
const signature = hexText(64, 64);
const derHex = (max: number) => hexText(0, max / 2);

export const tdxCollateral = z
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

/** Intel writes hex in upper case, and might not always. */
const hexBytes = (length: number) => hexText(length, length);
const time = timeText.transform(dateOf);
const svn = z.int().min(0).max(65535);
const componentSvns = z.array(z.object({ svn: z.int().min(0).max(255) }).transform(svnOf)).length(16);

/** TCB statuses in Intel's words. */
export const tcbStatus = z.enum([
  "UpToDate",
  "SWHardeningNeeded",
  "ConfigurationNeeded",
  "ConfigurationAndSWHardeningNeeded",
  "OutOfDate",
  "OutOfDateConfigurationNeeded",
  "Revoked",
]);

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
export const tcbInfo = z.object({
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

export const qeIdentity = z.object({
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
