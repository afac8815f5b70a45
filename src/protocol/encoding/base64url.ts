// Encodes and decodes base64url (RFC 4648 §5) without padding, as JWS has it: exactly one text for each byte string, everything else is refused.
import { MalformedError } from "../errors.ts";
import { decodeBase64, encodeBase64 } from "./base64.ts";

export function encodeBase64Url(bytes: Uint8Array): string {
  return encodeBase64(bytes).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** @throws MalformedError on a foreign character, padding, or unused bits that are not zero. */
export function decodeBase64Url(text: string): Uint8Array {
  if (!/^[A-Za-z0-9_-]*$/.test(text)) throw new MalformedError("base64url", "not a base64url character");
  const padded = text.replaceAll("-", "+").replaceAll("_", "/") + "=".repeat((4 - (text.length % 4)) % 4);
  return decodeBase64(padded);
}
