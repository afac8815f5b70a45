// Lower-case hexadecimal, the only form in which Touchstone writes digests and register values.
import { bytesToHex, hexToBytes } from "@noble/hashes/utils.js";
import { MalformedError } from "../errors.ts";

const LOWER_HEX = /^(?:[0-9a-f]{2})*$/;

export function encodeHex(bytes: Uint8Array): string {
  return bytesToHex(bytes);
}

/** @throws MalformedError on odd length, upper case or any other character. */
export function decodeHex(text: string): Uint8Array {
  if (!LOWER_HEX.test(text))
    throw new MalformedError("hex", "expected an even number of lower-case hex digits");
  return hexToBytes(text);
}
