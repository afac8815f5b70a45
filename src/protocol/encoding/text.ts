// Encodes and decodes UTF-8, strictly: bytes that are not well-formed UTF-8 are refused instead of replaced, and a byte order mark is kept.
import { MalformedError } from "../errors.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

export function utf8(text: string): Uint8Array {
  return encoder.encode(text);
}

/** @throws MalformedError when the bytes are not well-formed UTF-8. */
export function decodeUtf8(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch {
    throw new MalformedError("UTF-8", "not well-formed");
  }
}
