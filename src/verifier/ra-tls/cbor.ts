// Reads CBOR (RFC 8949) that has one reading: definite and shortest lengths, no duplicate keys, nothing after the end.
import { type DecodeOptions, decode } from "cborg";
import { MalformedError } from "../../protocol/errors.ts";

/** @throws MalformedError naming `format`, whatever is wrong. */
export function decodeStrictCbor(bytes: Uint8Array, format: string, options: DecodeOptions = {}): unknown {
  const strict = {
    strict: true,
    allowIndefinite: false,
    rejectDuplicateMapKeys: true,
    allowUndefined: false,
  };
  try {
    return decode(bytes, { ...options, ...strict });
  } catch (error) {
    throw new MalformedError(format, error instanceof Error ? error.message : "not CBOR");
  }
}
