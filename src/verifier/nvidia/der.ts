// Strict DER elements (X.690 §8.1, §10.1): definite, shortest lengths and nothing after the end, which the ASN.1 library does not insist on.
import { ByteReader, concatBytes } from "../../protocol/encoding/bytes.ts";
import { MalformedError } from "../../protocol/errors.ts";

export interface DerElement {
  readonly tag: number;
  readonly content: Uint8Array;
}

/** Reads one element with a single-byte tag and a length below 2^24. */
export function readElement(reader: ByteReader): DerElement {
  const tag = reader.u8("tag");
  return { tag, content: reader.take(readLength(reader), "content") };
}

function readLength(reader: ByteReader): number {
  const first = reader.u8("length");
  if (first < 0x80) return first;
  const digits = reader.take(first - 0x80, "length");
  const length = digits.reduce((value, digit) => value * 256 + digit, 0);
  if (digits.length < 1 || digits.length > 3 || length < 0x80 || digits[0] === 0) {
    throw new MalformedError(reader.format, "not a DER length", reader.offset);
  }
  return length;
}

/** The content of the one element of tag `tag` that `bytes` consists of. */
export function onlyElement(bytes: Uint8Array, tag: number, format: string): Uint8Array {
  const reader = new ByteReader(bytes, format);
  const element = readElement(reader);
  if (element.tag !== tag) throw new MalformedError(format, `tag ${element.tag}, expected ${tag}`, 0);
  if (reader.remaining > 0) throw new MalformedError(format, "bytes after the end", reader.offset);
  return element.content;
}

/** Elements that fill `content`. */
export function elements(content: Uint8Array, format: string): DerElement[] {
  const reader = new ByteReader(content, format);
  const list: DerElement[] = [];
  while (reader.remaining > 0) list.push(readElement(reader));
  return list;
}

/**
 * ECDSA-Sig-Value (RFC 3279 §2.2.3) as raw r‖s.
 * @param size bytes of one number: 32 for P-256, 48 for P-384.
 */
export function rawEcdsaSignature(bytes: Uint8Array, size: number): Uint8Array {
  const numbers = elements(onlyElement(bytes, 0x30, "ECDSA signature"), "ECDSA signature");
  if (numbers.length !== 2) throw new MalformedError("ECDSA signature", "expected two integers");
  return concatBytes(...numbers.map((number) => unsigned(number, size)));
}

function unsigned({ tag, content }: DerElement, size: number): Uint8Array {
  const [first = 0x80, second = 0x80] = content;
  const padded = first === 0 && content.length > 1;
  const digits = padded ? content.subarray(1) : content;
  if (tag !== 0x02 || first >= 0x80 || (padded && second < 0x80) || digits.length > size) {
    throw new MalformedError("ECDSA signature", `not a positive integer of at most ${size} bytes`);
  }
  return concatBytes(new Uint8Array(size - digits.length), digits);
}
