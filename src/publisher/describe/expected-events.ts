// The events of a known-good boot as an entry lists them: inline while they are few, attached as the same array when they are many.
import { createHash } from "node:crypto";
import { utf8 } from "../../protocol/encoding/text.ts";
import type { OsImage } from "../../protocol/entry/os-image.ts";
import { canonicalize } from "../../protocol/envelope/canonical-json.ts";
import type { AttachedDocument } from "./patch-list.ts";
import type { ExpectedEvent } from "./tcg-prediction.ts";

const MAX_INLINE_EVENTS = 128;
/** An entry holds 65,535 bytes of base64 and has more to say than its events. */
const MAX_INLINE = 16 * 1024;

export function formEvents(
  events: ExpectedEvent[],
): Pick<OsImage["measurements"], "events" | "attachment"> & { attachments: AttachedDocument[] } {
  const bytes = utf8(canonicalize(events));
  if (events.length <= MAX_INLINE_EVENTS && bytes.length <= MAX_INLINE)
    return { events, attachment: null, attachments: [] };
  const digest = createHash("sha256").update(bytes).digest("hex");
  const reference = { digest, size: bytes.length, mediaType: "application/json" as const };
  return { events: null, attachment: reference, attachments: [{ reference, bytes }] };
}
