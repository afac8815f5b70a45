// Reads an event log as a guest finds it, and cuts off what firmware leaves behind it: the CCEL area of 64 KiB to 1 MiB that Linux shows in
// /sys/firmware/acpi/tables/data, or dstack's JSON.
import { utf8 } from "../../protocol/encoding/text.ts";
import { MalformedError } from "../../protocol/errors.ts";
import { parseCcel } from "../../verifier/tdx/ccel.ts";
import { parseDstackEventLog } from "../../verifier/tdx/dstack-event-log.ts";
import type { EventLogFormat } from "../../verifier/tdx/logged-event.ts";
import { unwrapText } from "./encoded.ts";

export interface GuestEventLog {
  readonly format: EventLogFormat;
  readonly data: Uint8Array;
}

const OPENING_BRACKET = 0x5b;

/** @throws MalformedError that says what it is instead. */
export function readEventLog(bytes: Uint8Array): GuestEventLog {
  const data = unwrapText(bytes);
  if (data[0] === OPENING_BRACKET) {
    parseDstackEventLog(data);
    return { format: "dstack", data };
  }
  if (isTable(data))
    throw new MalformedError(
      "CCEL",
      "this is the ACPI table that says where the log is; give the log, /sys/firmware/acpi/tables/data/CCEL",
    );
  const { endsAt } = parseCcel(data);
  return { format: "ccel", data: data.subarray(0, endsAt ?? data.length) };
}

function isTable(data: Uint8Array): boolean {
  return utf8("CCEL").every((byte, i) => data[i] === byte);
}
