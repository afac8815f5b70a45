// Base64 (RFC 4648 §4), padded and canonical: exactly one text for each byte string, everything else is refused.
// Own code because Node 20 has no Uint8Array.fromBase64, atob() forgives white space, and this is on the publish path.
import { MalformedError } from "../errors.ts";

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const INVALID = 255;
const VALUE = new Uint8Array(128).fill(INVALID);
for (let i = 0; i < 64; i++) VALUE[ALPHABET.charCodeAt(i)] = i;

export function encodeBase64(bytes: Uint8Array): string {
  let text = "";
  for (let i = 0; i < bytes.length; i += 3) {
    const left = bytes.length - i;
    const group = ((bytes[i] ?? 0) << 16) | ((bytes[i + 1] ?? 0) << 8) | (bytes[i + 2] ?? 0);
    text += `${ALPHABET[group >> 18]}${ALPHABET[(group >> 12) & 63]}`;
    text += left > 1 ? ALPHABET[(group >> 6) & 63] : "=";
    text += left > 2 ? ALPHABET[group & 63] : "=";
  }
  return text;
}

/** @throws MalformedError on a foreign character, missing padding, or unused bits that are not zero. */
export function decodeBase64(text: string): Uint8Array {
  if (text.length % 4 !== 0) throw new MalformedError("base64", "length is not a multiple of 4");
  const padding = text.endsWith("==") ? 2 : text.endsWith("=") ? 1 : 0;
  const digits = text.length - padding;
  const bytes = new Uint8Array((text.length / 4) * 3 - padding);
  let bits = 0;
  let held = 0;
  let out = 0;
  for (let i = 0; i < digits; i++) {
    const value = VALUE[text.charCodeAt(i)] ?? INVALID;
    if (value === INVALID) throw new MalformedError("base64", "not a base64 character", i);
    bits = (bits << 6) | value;
    held += 6;
    if (held >= 8) {
      held -= 8;
      bytes[out++] = (bits >> held) & 255;
    }
  }
  if ((bits & ((1 << held) - 1)) !== 0)
    throw new MalformedError("base64", "unused bits are not zero", digits - 1);
  return bytes;
}
