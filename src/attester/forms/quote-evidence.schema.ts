// Gives the schema of JSON in which tools hand over a quote (quote-evidence.ts). Each adds members of its own.
import * as z from "zod";

export const quoteEvidence = z.object({
  quote: z
    .string()
    .max(256 * 1024)
    .describe("Hex (dstack) or base64 (Trustee, Intel Trust Authority)"),
  event_log: z
    .string()
    .max(1024 * 1024)
    .optional()
    .describe("dstack's event log, JSON as text"),
  cc_eventlog: z
    .string()
    .max(4 * 1024 * 1024)
    .nullable()
    .optional()
    .describe("Trustee's CCEL, base64"),
});
