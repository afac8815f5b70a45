// Encodes and decodes lower-case hexadecimal, the only form in which Touchstone writes digests and register values.
import { MalformedError } from "../errors.ts";

/** Of each byte. */
const PAIRS = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));
const LOWER_HEX = /^(?:[0-9a-f]{2})*$/;

export function encodeHex(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += PAIRS[byte];
  return text;
}

/** @throws MalformedError on odd length, upper case or any other character. */
export function decodeHex(text: string): Uint8Array {
  if (!LOWER_HEX.test(text))
    throw new MalformedError("hex", "expected an even number of lower-case hex digits");
  const bytes = new Uint8Array(text.length / 2);
  for (let i = 0; i < bytes.length; i++) bytes[i] = Number.parseInt(text.slice(2 * i, 2 * i + 2), 16);
  return bytes;
}
