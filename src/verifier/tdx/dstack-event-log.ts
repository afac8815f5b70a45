// Reads dstack's event log: a JSON array whose `imr` is the RTMR's number, counted from 0 (Dstack-TEE/dstack, cc-eventlog). It holds the
// boot events with shortened data, so few of their digests can be recomputed, and runtime events in RTMR3, whose digest covers their
// payload.
import { sha384 } from "../../protocol/cryptography/hash.ts";
import { equalBytes } from "../../protocol/encoding/bytes.ts";
import { decodeHex } from "../../protocol/encoding/hex.ts";
import { likeness } from "../../protocol/encoding/recognise.ts";
import { readAs } from "../../protocol/encoding/shape.ts";
import { parseJson } from "../../protocol/envelope/parse-json.ts";
import { MalformedError } from "../../protocol/errors.ts";
import { type DstackEvent, dstackEvents } from "./dstack-event-log.shape.ts";
import {
  DSTACK_RUNTIME_EVENT,
  type EventLog,
  isDigestOf,
  type LoggedEvent,
  runtimeEventBytes,
} from "./logged-event.ts";

const FORMAT = "dstack event log";
const MAX_LOG_BYTES = 512 * 1024;

/** Reads a log of at most 512 KiB. @throws MalformedError */
export function parseDstackEventLog(bytes: Uint8Array): EventLog {
  const value = parseJson(bytes, MAX_LOG_BYTES);
  if (!Array.isArray(value)) throw new MalformedError(FORMAT, `not an array of events${likeness(bytes)}`);
  return { format: "dstack", events: readAs(dstackEvents, value, FORMAT).map(readEvent), endsAt: null };
}

function readEvent(event: DstackEvent, index: number): LoggedEvent {
  const logged = event.event_type === DSTACK_RUNTIME_EVENT ? readRuntimeEvent(event) : readBootEvent(event);
  if (logged.digest.length === 0)
    throw new MalformedError(FORMAT, "only a runtime event may leave its digest out", `/${index}/digest`);
  if (event.preimage !== undefined && !equalBytes(sha384(decodeHex(event.preimage)), logged.digest))
    throw new MalformedError(FORMAT, "the digest is not that of the preimage", `/${index}/preimage`);
  return logged;
}

function readBootEvent({ imr, event_type, digest: text, event_payload }: DstackEvent): LoggedEvent {
  const [digest, data] = [decodeHex(text), decodeHex(event_payload)];
  const recomputed = isDigestOf(digest, event_type, data);
  return { rtmr: imr, type: event_type, name: "", digest, data, recomputed };
}

function readRuntimeEvent({ event: name, version, ...event }: DstackEvent): LoggedEvent {
  const data = decodeHex(event.event_payload);
  const computed = sha384(runtimeEventBytes(name, data, version));
  const digest = event.digest === "" ? computed : decodeHex(event.digest);
  // In version 1 a colon in the name would let one digest stand for two events: name and payload could meet elsewhere.
  const ambiguous = version === 1 && name.includes(":");
  const recomputed = !ambiguous && equalBytes(computed, digest);
  return { rtmr: event.imr, type: event.event_type, name, digest, data, recomputed };
}
