// Reads bytes that must be the RFC 8785 form of a value whose shape is known. The shape sees in passing whether the members of each object
// stand in order, and what else RFC 8785 asks is what JSON.stringify does: no second text is put together, and nothing is sorted.
import { decodeUtf8 } from "../encoding/text.ts";
import { MalformedError } from "../errors.ts";
import { Reading } from "../shape/shape.ts";
import { requireCanonical } from "./canonical-json.ts";

/** How JSON.stringify begins to write half of a surrogate pair, which RFC 8785 refuses; a backslash before these letters is rare enough. */
const MAY_BE_HALF_A_PAIR = "\\ud";

/**
 * @param format what the bytes claim to be.
 * @param read must read the value with shapes, all of it, in this reading.
 * @throws MalformedError for every other text of the same value, for what is no JSON, or what `read` throws.
 */
export function readCanonical<T>(
  bytes: Uint8Array,
  format: string,
  read: (value: unknown, reading: Reading) => T,
): T {
  const text = decodeUtf8(bytes);
  const value = parse(text, format);
  const reading = new Reading();
  try {
    const result = read(value, reading);
    if (!reading.isSorted || text.includes(MAY_BE_HALF_A_PAIR) || JSON.stringify(value) !== text)
      requireCanonical(value, text, format);
    return result;
  } catch (error) {
    // Of two faults, the text's is told: what is not canonical may not even be the value that it seems.
    requireCanonical(value, text, format);
    throw error;
  }
}

function parse(text: string, format: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new MalformedError(format, "not JSON", "");
  }
}
