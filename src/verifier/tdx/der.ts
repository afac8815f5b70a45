// A strict DER reader (X.690 §§8, 10): definite lengths in their shortest form, low tag numbers, nothing left over.
// For Intel's SGX extension, and to frame certificates and CRLs before a library that also takes BER reads them.
import { ByteReader } from "../../protocol/encoding/bytes.ts";
import { encodeHex } from "../../protocol/encoding/hex.ts";
import { MalformedError } from "../../protocol/errors.ts";

const FORMAT = "DER";
const INTEGER = 0x02;
const OCTET_STRING = 0x04;
const OBJECT_IDENTIFIER = 0x06;
const SEQUENCE = 0x30;

export interface DerElement {
  readonly tag: number;
  readonly content: Uint8Array;
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

/** A non-negative INTEGER below 2^16. */
export function derUint16(element: DerElement): number {
  const content = contentOf(element, INTEGER, "INTEGER");
  const [first = 0x80, second = 0x80] = content;
  const padded = content.length > 1 && first === 0 && second < 0x80;
  if (first >= 0x80 || padded || content.length > 3 || (content.length === 3 && first !== 0)) {
    throw new MalformedError(FORMAT, "expected an INTEGER from 0 to 65535 in its shortest form");
  }
  return content.reduce((value, byte) => value * 256 + byte, 0);
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
  const tag = reader.u8("tag");
  if ((tag & 0x1f) === 0x1f)
    throw new MalformedError(FORMAT, "high tag numbers are not used here", reader.offset);
  return { tag, content: reader.take(readLength(reader), "content") };
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
