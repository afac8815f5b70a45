// Gives the schema of dstack's event log (dstack-event-log.ts).
import * as z from "zod";
import { hexText } from "../hex-text.schema.ts";

const MAX_LOG_BYTES = 512 * 1024;

const hex = hexText(0, MAX_LOG_BYTES);
export const dstackEvent = z.strictObject({
  imr: z.literal([0, 1, 2, 3]),
  event_type: z.int().min(0).max(0xffff_ffff),
  /** Today's guest agent leaves that of runtime events empty, since it follows from the rest. */
  digest: z.union([hexText(48, 48), z.literal("")]).default(""),
  event: z.string().max(256),
  event_payload: hex,
  /** How the digest of a runtime event is made. */
  version: z.literal([1, 2]).default(1),
  /** What was hashed, for those who do not know the versions. */
  preimage: hex.optional(),
});

export const dstackEvents = z.array(dstackEvent).min(1).max(4096);
