// Lists the events of a known-good boot as an entry does: inline while they are few, attached as the same array when they are many.
import type { OsImage } from "../../../protocol/entry/kinds/os-image.ts";
import { type AttachedDocument, attachDocument } from "../described.ts";
import type { ExpectedEvent } from "./tcg-prediction.ts";

const MAX_INLINE_EVENTS = 128;
/** An entry holds 65,535 bytes of base64 and has more to say than its events. */
const MAX_INLINE = 16 * 1024;

export function formEvents(
  events: ExpectedEvent[],
): Pick<OsImage["measurements"], "events" | "attachment"> & { attachments: AttachedDocument[] } {
  const document = attachDocument(events);
  if (events.length <= MAX_INLINE_EVENTS && document.bytes.length <= MAX_INLINE)
    return { events, attachment: null, attachments: [] };
  return { events: null, attachment: document.reference, attachments: [document] };
}
