// Writes DER (X.690), just enough for the structures of Intel and NVIDIA that no certificate library writes.
import { concatBytes } from "../protocol/encoding/bytes.ts";
import { decodeHex } from "../protocol/encoding/hex.ts";
import { utf8 } from "../protocol/encoding/text.ts";

/** One element: tag byte, shortest length, content. */
export function der(tag: number, ...content: Uint8Array[]): Uint8Array {
  const body = concatBytes(...content);
  return concatBytes(Uint8Array.of(tag), derLength(body.length), body);
}

function derLength(length: number): Uint8Array {
  if (length < 0x80) return Uint8Array.of(length);
  const digits: number[] = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) digits.unshift(rest % 256);
  return Uint8Array.of(0x80 | digits.length, ...digits);
}

export const sequence = (...parts: Uint8Array[]): Uint8Array => der(0x30, ...parts);
export const octetString = (bytes: Uint8Array): Uint8Array => der(0x04, bytes);
export const bitString = (bytes: Uint8Array): Uint8Array => der(0x03, Uint8Array.of(0), bytes);
export const enumerated = (value: number): Uint8Array => der(0x0a, Uint8Array.of(value));
export const boolean = (value: boolean): Uint8Array => der(0x01, Uint8Array.of(value ? 0xff : 0));
/** A constructed context tag `[number]`. */
export const context = (number: number, ...parts: Uint8Array[]): Uint8Array => der(0xa0 | number, ...parts);
/** A primitive context tag `[number]`. */
export const contextPrimitive = (number: number, bytes: Uint8Array): Uint8Array => der(0x80 | number, bytes);

/** A non-negative INTEGER, from a number or from big-endian bytes. */
export function encodeInteger(value: number | Uint8Array): Uint8Array {
  const bytes = typeof value === "number" ? decodeHex(evenHex(value)) : value;
  let start = 0;
  while (start < bytes.length - 1 && bytes[start] === 0) start++;
  const digits = bytes.subarray(start);
  const sign = (digits[0] ?? 0) & 0x80 ? Uint8Array.of(0) : new Uint8Array();
  return der(0x02, sign, digits);
}

function evenHex(value: number): string {
  const text = value.toString(16);
  return text.length % 2 === 0 ? text : `0${text}`;
}

/** An OBJECT IDENTIFIER from its dotted form; arcs may exceed 2^53. */
export function oid(dotted: string): Uint8Array {
  const [first = 0n, second = 0n, ...rest] = dotted.split(".").map(BigInt);
  return der(0x06, ...[first * 40n + second, ...rest].map(base128));
}

function base128(arc: bigint): Uint8Array {
  const digits = [Number(arc & 0x7fn)];
  for (let left = arc >> 7n; left > 0n; left >>= 7n) digits.unshift(Number(left & 0x7fn) | 0x80);
  return Uint8Array.from(digits);
}

/** GeneralizedTime in whole seconds, as RFC 5280 §4.1.2.5.2 wants it. */
export function generalizedTime(time: Date): Uint8Array {
  return der(0x18, utf8(time.toISOString().replace(/[-:T]|\.\d{3}/g, "")));
}
