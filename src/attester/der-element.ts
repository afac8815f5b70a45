// Writes elements of DER (X.690 §8.1, §10.1): just what a request and an extension need.
import { concatBytes } from "../protocol/encoding/bytes.ts";

/** Tag, shortest length, content. */
export function derElement(tag: number, ...content: Uint8Array[]): Uint8Array {
  const body = concatBytes(...content);
  return concatBytes(Uint8Array.of(tag, ...lengthOf(body.length)), body);
}

function lengthOf(length: number): number[] {
  if (length < 0x80) return [length];
  const digits = length.toString(16);
  const bytes = digits.padStart(digits.length + (digits.length % 2), "0").match(/../g) ?? [];
  return [0x80 | bytes.length, ...bytes.map((byte) => Number.parseInt(byte, 16))];
}
