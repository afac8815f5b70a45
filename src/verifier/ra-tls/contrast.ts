// Reads Edgeless Contrast's evidence (1.3.9901.2.2): the quote taken apart into go-tdx-guest's protobuf QuoteV4 (google/go-tdx-guest,
// tdx.proto). The signatures are over the binary quote, so it is put together again; a wrong reassembly cannot verify.
import { ByteReader, concatBytes } from "../../protocol/encoding/bytes.ts";
import { MalformedError } from "../../protocol/errors.ts";

const FORMAT = "Contrast evidence";

type Part = (message: Message) => Uint8Array;

/** A field of `length` bytes (any number when null). */
const bytes =
  (field: number, length: number | null): Part =>
  (message) => {
    const [value = new Uint8Array(), ...rest] = message.bytes(field);
    if (rest.length > 0 || (length !== null && value.length !== length)) {
      throw new MalformedError(FORMAT, `field ${field} has ${value.length} bytes, expected ${length}`);
    }
    return value;
  };

const repeated =
  (field: number, count: number, length: number): Part =>
  (message) => {
    const values = message.bytes(field);
    if (values.length !== count || values.some((value) => value.length !== length)) {
      throw new MalformedError(FORMAT, `field ${field} is not ${count} times ${length} bytes`);
    }
    return concatBytes(...values);
  };

const uint =
  (field: number, size: 2 | 4): Part =>
  (message) => {
    const value = message.uint(field);
    if (value >= 2 ** (8 * size)) throw new MalformedError(FORMAT, `field ${field} exceeds ${size} bytes`);
    return Uint8Array.from({ length: size }, (_, i) => Math.floor(value / 2 ** (8 * i)) % 256);
  };

const message =
  (field: number, parts: readonly Part[]): Part =>
  (outer) => {
    const inner = parseMessage(bytes(field, null)(outer), parts.length);
    return concatBytes(...parts.map((part) => part(inner)));
  };

/** PCESVN comes before QESVN in the quote, after it in the message. */
const HEADER = [uint(1, 2), uint(2, 2), uint(3, 4), bytes(5, 2), bytes(4, 2), bytes(6, 16), bytes(7, 20)];
const BODY = [
  bytes(1, 16),
  bytes(2, 48),
  bytes(3, 48),
  bytes(4, 8),
  bytes(5, 8),
  bytes(6, 8),
  ...[7, 8, 9, 10].map((field) => bytes(field, 48)),
  repeated(11, 4, 48),
  bytes(12, 64),
];
const QE_REPORT = [
  bytes(1, 16),
  uint(2, 4),
  bytes(3, 28),
  bytes(4, 16),
  bytes(5, 32),
  bytes(6, 32),
  bytes(7, 32),
  bytes(8, 96),
  uint(9, 2),
  uint(10, 2),
  bytes(11, 60),
  bytes(12, 64),
];
const CERTIFICATION = [
  message(1, QE_REPORT),
  bytes(2, 64),
  message(3, [uint(1, 2), bytes(2, null)]),
  message(4, [uint(1, 2), uint(2, 4), bytes(3, null)]),
];
const SIGNED_DATA = [
  bytes(1, 64),
  bytes(2, 64),
  message(3, [uint(1, 2), uint(2, 4), message(3, CERTIFICATION)]),
];
/** Field 5, bytes after the quote, is left out: nothing signs it. */
const QUOTE_V4 = [message(1, HEADER), message(2, BODY), uint(3, 4), message(4, SIGNED_DATA)];

/** The binary v4 quote. @throws MalformedError on a missing, repeated, unknown or ill-sized field. */
export function parseContrastEvidence(evidence: Uint8Array): Uint8Array {
  const quote = parseMessage(evidence, 5);
  return concatBytes(...QUOTE_V4.map((part) => part(quote)));
}

class Message {
  readonly #bytes = new Map<number, Uint8Array[]>();
  readonly #uints = new Map<number, number>();

  addBytes(field: number, value: Uint8Array): void {
    const values = this.#bytes.get(field);
    if (values === undefined) this.#bytes.set(field, [value]);
    else values.push(value);
  }

  addUint(field: number, value: number): void {
    if (this.#uints.has(field)) throw new MalformedError(FORMAT, `field ${field} appears twice`);
    this.#uints.set(field, value);
  }

  bytes(field: number): Uint8Array[] {
    return this.#bytes.get(field) ?? [];
  }

  /** proto3 leaves a zero out. */
  uint(field: number): number {
    return this.#uints.get(field) ?? 0;
  }
}

/** Splits a message into fields 1 to `fields`, varints and byte strings. */
function parseMessage(content: Uint8Array, fields: number): Message {
  const reader = new ByteReader(content, FORMAT);
  const parsed = new Message();
  while (reader.remaining > 0) {
    const key = readVarint(reader);
    const field = key >>> 3;
    if (field < 1 || field > fields)
      throw new MalformedError(FORMAT, `unknown field ${field}`, reader.offset);
    if ((key & 7) === 0) parsed.addUint(field, readVarint(reader));
    else if ((key & 7) === 2) parsed.addBytes(field, reader.take(readVarint(reader), `field ${field}`));
    else throw new MalformedError(FORMAT, `unknown wire type ${key & 7}`, reader.offset);
  }
  return parsed;
}

/** A varint below 2^35 in its shortest form. */
function readVarint(reader: ByteReader): number {
  let value = 0;
  for (let i = 0; i < 5; i++) {
    const byte = reader.u8("varint");
    value += (byte & 0x7f) * 2 ** (7 * i);
    if (byte < 0x80) {
      if (byte === 0 && i > 0)
        throw new MalformedError(FORMAT, "varint is not in its shortest form", reader.offset);
      return value;
    }
  }
  throw new MalformedError(FORMAT, "varint is too long", reader.offset);
}
