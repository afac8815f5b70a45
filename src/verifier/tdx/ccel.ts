// Reads the binary event log of the CCEL ACPI table: a TCG2 log whose register index is 1 + RTMR (UEFI 2.10 §38.4; TCG PC Client Platform
// Firmware Profile §10.2.1 for the first event, §10.2.2 for all others). Firmware leaves 0xFF or zero bytes after the last one.
import { ByteReader, equalBytes } from "../../protocol/encoding/bytes.ts";
import { likeness } from "../../protocol/encoding/recognise.ts";
import { utf8 } from "../../protocol/encoding/text.ts";
import { MalformedError } from "../../protocol/errors.ts";
import { MAX_CCEL_BYTES } from "./ccel-table.ts";
import { EV_NO_ACTION } from "./event-type.ts";
import { type EventLog, isDigestOf, type LoggedEvent, type RtmrIndex } from "./logged-event.ts";

const FORMAT = "CCEL";
/** Of a log; the table around it may be longer. */
const MAX_LOG_BYTES = 512 * 1024;
const SHA384 = 0x000c;
/** Where the Spec ID event's own data begins. */
const EVENT_AT = 32;
const SIGNATURE = utf8("Spec ID Event03\0");

/**
 * Reads a log of at most 512 KiB, in a table of at most 2 MiB, that measures with SHA-384, as TDX does.
 * @throws MalformedError
 */
export function parseCcel(bytes: Uint8Array): EventLog {
  if (bytes.length > MAX_CCEL_BYTES) throw new MalformedError(FORMAT, `longer than ${MAX_CCEL_BYTES} bytes`);
  if (lengthWithoutPadding(bytes) > MAX_LOG_BYTES)
    throw new MalformedError(FORMAT, `a log longer than ${MAX_LOG_BYTES} bytes`);
  const reader = new ByteReader(bytes, FORMAT);
  readSpecId(reader);
  const events: LoggedEvent[] = [];
  while (!isPadding(bytes.subarray(reader.offset))) {
    const event = readEvent(reader);
    if (event !== null) events.push(event);
  }
  return { format: "ccel", events, endsAt: reader.offset };
}

/** TCG_PCR_EVENT with TCG_EfiSpecIDEvent: which digests the events have. */
function readSpecId(reader: ByteReader): void {
  const signature = reader.bytes.subarray(EVENT_AT, EVENT_AT + SIGNATURE.length);
  if (!equalBytes(signature, SIGNATURE)) {
    throw new MalformedError(FORMAT, `does not begin with a Spec ID event${likeness(reader.bytes)}`, 0);
  }
  reader.take(4, "register");
  if (reader.u32le("event type") !== EV_NO_ACTION)
    throw new MalformedError(FORMAT, "the Spec ID event is not of type EV_NO_ACTION", 4);
  reader.take(20, "SHA-1 digest");
  const event = new ByteReader(reader.take(reader.u32le("event length"), "Spec ID event"), FORMAT);
  event.take(SIGNATURE.length, "signature");
  event.take(8, "platform class and version");
  const algorithms = event.u32le("number of algorithms");
  const algorithm = event.u16le("algorithm");
  const size = event.u16le("digest size");
  if (algorithms !== 1 || algorithm !== SHA384 || size !== 48) {
    throw new MalformedError(FORMAT, "measures with something else than SHA-384 alone");
  }
  event.take(event.u8("length of the vendor information"), "vendor information");
  if (event.remaining > 0) throw new MalformedError(FORMAT, "bytes after the Spec ID event's fields");
}

/** TCG_PCR_EVENT2; null for an EV_NO_ACTION event, which informs and is not extended. */
function readEvent(reader: ByteReader): LoggedEvent | null {
  const start = reader.offset;
  const register = reader.u32le("register");
  const type = reader.u32le("event type");
  const count = reader.u32le("number of digests");
  const algorithm = reader.u16le("algorithm");
  if (count !== 1 || algorithm !== SHA384)
    throw new MalformedError(FORMAT, "expected one SHA-384 digest", start);
  const digest = reader.take(48, "digest");
  const data = reader.take(reader.u32le("event length"), "event");
  if (type === EV_NO_ACTION) return null;
  if (register < 1 || register > 4) {
    throw new MalformedError(FORMAT, `register ${register} is not an RTMR (1 to 4)`, start);
  }
  return {
    rtmr: (register - 1) as RtmrIndex,
    type,
    name: "",
    digest,
    data,
    recomputed: isDigestOf(digest, type, data),
  };
}

/** Less than the end of the last event where that ends in such bytes itself, so good for a limit only. */
function lengthWithoutPadding(bytes: Uint8Array): number {
  const last = bytes.at(-1);
  if (last !== 0 && last !== 0xff) return bytes.length;
  return bytes.findLastIndex((byte) => byte !== last) + 1;
}

function isPadding(rest: Uint8Array): boolean {
  const first = rest[0];
  return first === undefined || ((first === 0xff || first === 0) && rest.every((byte) => byte === first));
}
