// Reads what quote-evidence.schema.ts describes. Generated from it by `npm run generate`; do not edit.
import { nullable, openObject, optional } from "../../protocol/shape/containers.ts";
import { atMost, string } from "../../protocol/shape/scalars.ts";

export type QuoteEvidence = {
  /** Hex (dstack) or base64 (Trustee, Intel Trust Authority) */
  quote: string;
  /** dstack's event log, JSON as text */
  event_log?: string | undefined;
  /** Trustee's CCEL, base64 */
  cc_eventlog?: string | null | undefined;
};

export const quoteEvidence = openObject<QuoteEvidence>({
  quote: string(atMost(262144)),
  event_log: optional(string(atMost(1048576))),
  cc_eventlog: optional(nullable(string(atMost(4194304)))),
});
