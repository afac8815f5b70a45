// dstack's event log: a JSON array whose `imr` is the RTMR's number, counted from 0 (Dstack-TEE/dstack, cc-eventlog). It holds the boot
// events with shortened data, so few of their digests can be recomputed, and runtime events in RTMR3, whose digest covers their payload.
import * as z from "zod";
import { decodeHex } from "../../protocol/encoding/hex.ts";
import { readAs } from "../../protocol/encoding/shape.ts";
import { parseJson } from "../../protocol/envelope/parse-json.ts";
import { DSTACK_RUNTIME_EVENT, type EventLog, isDigestOf } from "./logged-event.ts";

const MAX_LOG_BYTES = 512 * 1024;

const hex = z.string().regex(/^(?:[0-9a-f]{2})*$/);
const logSchema = z
  .array(
    z.strictObject({
      imr: z.literal([0, 1, 2, 3]),
      event_type: z.int().min(0).max(0xffff_ffff),
      digest: hex.length(96),
      event: z.string().max(256),
      event_payload: hex,
    }),
  )
  .min(1)
  .max(4096);

/** Reads a log of at most 512 KiB. @throws MalformedError */
export function parseDstackEventLog(bytes: Uint8Array): EventLog {
  const log = readAs(logSchema, parseJson(bytes, MAX_LOG_BYTES), "dstack event log");
  const events = log.map((event) => {
    const digest = decodeHex(event.digest);
    const data = decodeHex(event.event_payload);
    const { imr: rtmr, event_type: type } = event;
    const name = type === DSTACK_RUNTIME_EVENT ? event.event : "";
    return { rtmr, type, name, digest, data, recomputed: isDigestOf(digest, type, data, name) };
  });
  return { format: "dstack", events, endsAt: null };
}
