// A strict DER reader (X.690 §§8, 10): definite lengths in their shortest form, low tag numbers, nothing left over.
// For Intel's SGX extension, and to frame certificates and CRLs before a library that also takes BER reads them.
import { ByteReader } from "../../protocol/encoding/bytes.ts";
import { encodeHex } from "../../protocol/encoding/hex.ts";
import { MalformedError } from "../../protocol/errors.ts";

const FORMAT = "DER";
const INTEGER = 0x02;
const BIT_STRING = 0x03;
const OCTET_STRING = 0x04;
const OBJECT_IDENTIFIER = 0x06;
const SEQUENCE = 0x30;

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
  const reader = new ByteReader(contentOf(element, SEQUENCE, "SEQUENCE"), FORMAT);
  const elements: DerElement[] = [];
  while (reader.remaining > 0) elements.push(readElement(reader));
  return elements;
}

/** A non-negative INTEGER as big-endian bytes, padded to `length`. */
export function derPositive(element: DerElement, length: number): Uint8Array {
  const content = contentOf(element, INTEGER, "INTEGER");
  const [first = 0x80, second = 0x80] = content;
  const padded = content.length > 1 && first === 0;
  const digits = padded ? content.subarray(1) : content;
  if (first >= 0x80 || (padded && second < 0x80) || digits.length > length) {
    throw new MalformedError(
      FORMAT,
      `expected an INTEGER of at most ${length} bytes, not negative, in its shortest form`,
    );
  }
  const bytes = new Uint8Array(length);
  bytes.set(digits, length - digits.length);
  return bytes;
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

/** An OCTET STRING of exactly `length` bytes. */
export function derOctets(element: DerElement, length: number): Uint8Array {
  const content = contentOf(element, OCTET_STRING, "OCTET STRING");
  if (content.length !== length) {
    throw new MalformedError(FORMAT, `expected ${length} octets, got ${content.length}`);
  }
  return content;
}

/** The encoded OBJECT IDENTIFIER, hex: in DER, equal identifiers are equal bytes. */
export function derIdentifier(element: DerElement): string {
  return encodeHex(contentOf(element, OBJECT_IDENTIFIER, "OBJECT IDENTIFIER"));
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
