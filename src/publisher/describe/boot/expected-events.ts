// Lists the events of a boot as an entry does: inline while they are few, attached as the same array when they are many.
import type { BootMeasurements } from "../../../protocol/entry/kinds/os-image.ts";
import type { MeasuredEvent } from "../../../protocol/entry/measured-event.shape.ts";
import { type AttachedDocument, attachDocument } from "../described.ts";

const MAX_INLINE_EVENTS = 128;
/** An entry holds 65,535 bytes of base64, has more to say than its events, and may list those of several boots. */
const MAX_INLINE = 12 * 1024;

export function formEvents(
  events: MeasuredEvent[],
): Pick<BootMeasurements, "events" | "attachment"> & { attachments: AttachedDocument[] } {
  const document = attachDocument(events);
  if (events.length <= MAX_INLINE_EVENTS && document.bytes.length <= MAX_INLINE)
    return { events, attachment: null, attachments: [] };
  return { events: null, attachment: document.reference, attachments: [document] };
}
