// Reads dstack's attestation in a certificate (Dstack-TEE/dstack, ra-tls and dstack-attest): extension .8 holds version 0 in SCALE or
// version 1 in MessagePack; older certificates hold the quote in .1 and the event log in .2.
import { ByteReader } from "../../protocol/encoding/bytes.ts";
import { encodeHex } from "../../protocol/encoding/hex.ts";
import { decodeUtf8, utf8 } from "../../protocol/encoding/text.ts";
import { MalformedError } from "../../protocol/errors.ts";
import { type MessagePack, parseMessagePack } from "./message-pack.ts";

const FORMAT = "dstack attestation";
const SCALE_V0 = 0x00;
const DSTACK_TDX = 0x00;
const MAX_EVENTS = 4096;

export interface DstackAttestation {
  readonly quote: Uint8Array;
  /** dstack's JSON event log. Certificates keep the events of RTMR3 only, so it replays to no other register. */
  readonly eventLog: Uint8Array;
}

interface TdxEvent {
  readonly imr: number;
  readonly event_type: number;
  readonly digest: Uint8Array;
  readonly event: string;
  readonly event_payload: Uint8Array;
  /** Of a runtime event; absent in SCALE, and where it is 1. */
  readonly version?: number;
}

/** Reads the content of extension .8, which its first byte tells apart. @throws MalformedError */
export function parseDstackAttestation(bytes: Uint8Array): DstackAttestation {
  return bytes[0] === SCALE_V0 ? parseScale(bytes) : parseVersion1(bytes);
}

/** V0 { AttestationQuote::DstackTdx { quote, event_log }, runtime_events, report_data, config } in SCALE. */
function parseScale(bytes: Uint8Array): DstackAttestation {
  const reader = new ByteReader(bytes, FORMAT);
  reader.u8("version");
  if (reader.u8("kind of quote") !== DSTACK_TDX)
    throw new MalformedError(FORMAT, "not a dstack-tdx attestation");
  const quote = scaleBytes(reader, "quote");
  const events = scaleList(reader, "event log", () => ({
    imr: reader.u32le("imr"),
    event_type: reader.u32le("event type"),
    digest: scaleBytes(reader, "digest"),
    event: decodeUtf8(scaleBytes(reader, "event")),
    event_payload: scaleBytes(reader, "event payload"),
  }));
  scaleList(reader, "runtime events", () => [scaleBytes(reader, "event"), scaleBytes(reader, "payload")]);
  reader.take(64, "report data");
  scaleBytes(reader, "config");
  if (reader.remaining > 0) throw new MalformedError(FORMAT, "bytes after the end", reader.offset);
  return { quote, eventLog: encodeEventLog(events) };
}

function scaleList<T>(reader: ByteReader, what: string, read: () => T): T[] {
  const count = scaleLength(reader, what);
  if (count > MAX_EVENTS) throw new MalformedError(FORMAT, `more than ${MAX_EVENTS} in ${what}`);
  return Array.from({ length: count }, read);
}

function scaleBytes(reader: ByteReader, what: string): Uint8Array {
  return reader.take(scaleLength(reader, what), what);
}

/** SCALE compact integer in its shortest form, below 2^30. */
function scaleLength(reader: ByteReader, what: string): number {
  const first = reader.u8(what);
  const mode = first & 3;
  if (mode === 3) throw new MalformedError(FORMAT, `${what} is too long`, reader.offset);
  const more = reader.take([0, 1, 3][mode] ?? 0, what);
  const value = more.reduce((sum, byte, i) => sum + byte * 2 ** (8 * i + 6), first >> 2);
  if (value < ([0, 2 ** 6, 2 ** 14][mode] ?? 0)) {
    throw new MalformedError(FORMAT, `${what} is not in its shortest form`, reader.offset);
  }
  return value;
}

/** {version: 1, platform: {kind: "tdx", data: {quote, event_log}}, stack} in MessagePack. */
function parseVersion1(bytes: Uint8Array): DstackAttestation {
  const attestation = asMap(parseMessagePack(bytes), "attestation");
  if (attestation.get("version") !== 1) throw new MalformedError(FORMAT, "unknown version");
  const platform = asMap(attestation.get("platform"), "platform");
  if (platform.get("kind") !== "tdx") throw new MalformedError(FORMAT, "not a TDX attestation");
  const data = asMap(platform.get("data"), "platform data");
  const events = data.get("event_log");
  if (!Array.isArray(events) || events.length > MAX_EVENTS) {
    throw new MalformedError(FORMAT, "event_log is not a list of events");
  }
  return { quote: asBytes(data.get("quote"), "quote"), eventLog: encodeEventLog(events.map(asEvent)) };
}

function asEvent(value: MessagePack): TdxEvent {
  const fields = asMap(value, "event");
  const [imr, event_type, event] = ["imr", "event_type", "event"].map((name) => fields.get(name));
  if (typeof imr !== "number" || typeof event_type !== "number" || typeof event !== "string") {
    throw new MalformedError(FORMAT, "an event lacks a field");
  }
  const version = fields.get("version");
  return {
    imr,
    event_type,
    event,
    digest: asBytes(fields.get("digest") ?? new Uint8Array(), "digest"),
    event_payload: asBytes(fields.get("event_payload"), "payload"),
    ...(typeof version === "number" && { version }),
  };
}

function asMap(value: MessagePack | undefined, what: string): ReadonlyMap<string, MessagePack> {
  if (value instanceof Map) return value;
  throw new MalformedError(FORMAT, `${what} is not a map`);
}

/** serde writes bytes as `bin`, or as an array of small integers. */
function asBytes(value: MessagePack | undefined, what: string): Uint8Array {
  if (value instanceof Uint8Array) return value;
  const isByte = (item: MessagePack) => typeof item === "number" && item <= 255;
  if (Array.isArray(value) && value.every(isByte)) return Uint8Array.from(value as number[]);
  throw new MalformedError(FORMAT, `${what} is not bytes`);
}

/** The JSON log that dstack serves elsewhere. Both leave out the digests of runtime events, which their content gives. */
function encodeEventLog(events: readonly TdxEvent[]): Uint8Array {
  const records = events.map((event) => ({
    ...event,
    digest: encodeHex(event.digest),
    event_payload: encodeHex(event.event_payload),
  }));
  return utf8(JSON.stringify(records));
}
