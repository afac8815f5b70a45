// Reads DER strictly (X.690 §§8, 10): definite lengths in their shortest form, low tag numbers, nothing left over. Certificates, CRLs and
// vendors' extensions are read with it: ASN.1 libraries also take BER, so that one document has many encodings, and are 30 times slower.
import { ByteReader, concatBytes } from "../../protocol/encoding/bytes.ts";
import { MalformedError } from "../../protocol/errors.ts";

const FORMAT = "DER";
const BOOLEAN = 0x01;
const INTEGER = 0x02;
const BIT_STRING = 0x03;
const OCTET_STRING = 0x04;
const OBJECT_IDENTIFIER = 0x06;
const UTC_TIME = 0x17;
const GENERALIZED_TIME = 0x18;
const SEQUENCE = 0x30;
const SET = 0x31;

export interface DerElement {
  readonly tag: number;
  readonly content: Uint8Array;
  /** The whole element: tag, length and content. */
  readonly raw: Uint8Array;
}

/** The one element that fills `bytes`. */
export function readDer(bytes: Uint8Array): DerElement {
  const reader = new ByteReader(bytes, FORMAT);
  const element = readElement(reader);
  if (reader.remaining > 0) throw new MalformedError(FORMAT, "bytes after the element", reader.offset);
  return element;
}

/** The elements of a SEQUENCE or SEQUENCE OF. */
export function derSequence(element: DerElement): DerElement[] {
  return readElements(contentOf(element, SEQUENCE, "SEQUENCE"));
}

/** The elements of a SET OF. */
export function derSet(element: DerElement): DerElement[] {
  return readElements(contentOf(element, SET, "SET"));
}

/** The one element inside an explicit context tag. */
export function derExplicit(element: DerElement, number: number): DerElement {
  return readDer(contentOf(element, 0xa0 | number, `[${number}]`));
}

function readElements(content: Uint8Array): DerElement[] {
  const reader = new ByteReader(content, FORMAT);
  const elements: DerElement[] = [];
  while (reader.remaining > 0) elements.push(readElement(reader));
  return elements;
}

/** The content of an INTEGER in its shortest form, at most `length` bytes and a sign byte. */
export function derInteger(element: DerElement, length: number): Uint8Array {
  const content = contentOf(element, INTEGER, "INTEGER");
  const [first, second = -1] = content;
  const padded = (first === 0 && second >= 0 && second < 0x80) || (first === 0xff && second >= 0x80);
  if (first === undefined || padded || content.length > length + (first === 0 ? 1 : 0)) {
    throw new MalformedError(FORMAT, `expected an INTEGER of at most ${length} bytes in its shortest form`);
  }
  return content;
}

/** A non-negative INTEGER as big-endian bytes, padded to `length`. */
function derPositive(element: DerElement, length: number): Uint8Array {
  const content = derInteger(element, length);
  if ((content[0] ?? 0x80) >= 0x80)
    throw new MalformedError(FORMAT, "expected an INTEGER that is not negative");
  const digits = content.subarray(Math.max(0, content.length - length));
  const bytes = new Uint8Array(length);
  bytes.set(digits, length - digits.length);
  return bytes;
}

/**
 * ECDSA-Sig-Value (RFC 3279 §2.2.3) as raw r‖s.
 * @param size bytes of one number: 32 for P-256, 48 for P-384.
 */
export function rawEcdsaSignature(bytes: Uint8Array, size: number): Uint8Array {
  const numbers = derSequence(readDer(bytes)).map((number) => derPositive(number, size));
  if (numbers.length !== 2) throw new MalformedError(FORMAT, "an ECDSA signature is not a pair of numbers");
  return concatBytes(...numbers);
}

/** A non-negative INTEGER below 2^16. */
export function derUint16(element: DerElement): number {
  const [high = 0, low = 0] = derPositive(element, 2);
  return high * 256 + low;
}

/** A BIT STRING of whole bytes. */
export function derBitString(element: DerElement): Uint8Array {
  const content = contentOf(element, BIT_STRING, "BIT STRING");
  if (content[0] !== 0) throw new MalformedError(FORMAT, "a BIT STRING is not of whole bytes");
  return content.subarray(1);
}

/** The first eight bits of a BIT STRING of named bits: bit 0 is 0x80. */
export function derNamedBits(element: DerElement): number {
  const [unused = 8, bits = 0] = contentOf(element, BIT_STRING, "BIT STRING");
  if (unused > 7) throw new MalformedError(FORMAT, "a BIT STRING leaves more than seven bits unused");
  return bits;
}

export function derBoolean(element: DerElement): boolean {
  const content = contentOf(element, BOOLEAN, "BOOLEAN");
  if (content.length !== 1 || (content[0] !== 0 && content[0] !== 0xff)) {
    throw new MalformedError(FORMAT, "a BOOLEAN is neither 00 nor FF");
  }
  return content[0] === 0xff;
}

const TIME = /^(\d{4})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})Z$/;

/** UTCTime (1950 to 2049) or GeneralizedTime, in UTC to the second (RFC 5280 §4.1.2.5). */
export function derTime(element: DerElement): Date {
  const text = String.fromCharCode(...element.content.subarray(0, 16));
  const century = Number(text.slice(0, 2)) < 50 ? "20" : "19";
  const full = element.tag === UTC_TIME ? century + text : element.tag === GENERALIZED_TIME ? text : "";
  const iso = full.replace(TIME, "$1-$2-$3T$4:$5:$6Z");
  const date = new Date(iso);
  if (!TIME.test(full) || Number.isNaN(date.getTime()) || !date.toISOString().startsWith(iso.slice(0, 19))) {
    throw new MalformedError(FORMAT, "expected a UTCTime or GeneralizedTime to the second");
  }
  return date;
}

/** An OCTET STRING, of exactly `length` bytes where a length is given. */
export function derOctets(element: DerElement, length?: number): Uint8Array {
  const content = contentOf(element, OCTET_STRING, "OCTET STRING");
  if (length !== undefined && content.length !== length) {
    throw new MalformedError(FORMAT, `expected ${length} octets, got ${content.length}`);
  }
  return content;
}

/** An OBJECT IDENTIFIER in its dotted form; arcs below 2^32. */
export function derIdentifier(element: DerElement): string {
  const content = contentOf(element, OBJECT_IDENTIFIER, "OBJECT IDENTIFIER");
  const arcs: number[] = [];
  let arc = 0;
  for (const byte of content) {
    if ((arc === 0 && byte === 0x80) || arc >= 2 ** 25)
      throw new MalformedError(FORMAT, "an arc is not in its shortest form");
    arc = arc * 128 + (byte & 0x7f);
    if (byte < 0x80) {
      arcs.push(arc);
      arc = 0;
    }
  }
  const [first] = arcs;
  if (first === undefined || (content.at(-1) ?? 0x80) >= 0x80)
    throw new MalformedError(FORMAT, "an identifier is cut");
  const top = Math.min(2, Math.floor(first / 40));
  return [top, first - 40 * top, ...arcs.slice(1)].join(".");
}

function contentOf(element: DerElement, tag: number, name: string): Uint8Array {
  if (element.tag !== tag)
    throw new MalformedError(FORMAT, `expected ${name}, got tag 0x${element.tag.toString(16)}`);
  return element.content;
}

function readElement(reader: ByteReader): DerElement {
  const start = reader.offset;
  const tag = reader.u8("tag");
  if ((tag & 0x1f) === 0x1f)
    throw new MalformedError(FORMAT, "high tag numbers are not used here", reader.offset);
  const content = reader.take(readLength(reader), "content");
  return { tag, content, raw: reader.bytes.subarray(start, reader.offset) };
}

function readLength(reader: ByteReader): number {
  const first = reader.u8("length");
  if (first < 0x80) return first;
  const digits = reader.take(first & 0x7f, "length");
  const length = digits.reduce((value, byte) => value * 256 + byte, 0);
  if (digits.length === 0 || digits.length > 4 || digits[0] === 0 || length < 0x80) {
    throw new MalformedError(FORMAT, "length is not in its shortest definite form", reader.offset);
  }
  return length;
}
