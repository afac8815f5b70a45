// Writes JSON in the JSON Canonicalization Scheme (RFC 8785): one byte string for each JSON value, so that a signature or digest has one
// meaning.
import { decodeUtf8 } from "../encoding/text.ts";
import { MalformedError } from "../errors.ts";

export type Json = null | boolean | number | string | Json[] | { [name: string]: Json };

/** Deeper nesting is refused everywhere: nothing that Touchstone defines comes near it. */
export const MAX_DEPTH = 32;

export const LONE_SURROGATE = /\p{Surrogate}/u;
/** Printable ASCII that JSON writes as it is: nearly every string we have, and ten times faster to test than to quote. */
const PLAIN = /^[ !#-[\]-~]*$/;

/**
 * The canonical text of a JSON value: no white space, members sorted by UTF-16 code units, ECMAScript numbers and strings.
 * @throws MalformedError on what JSON cannot say: NaN, infinities, undefined, a lone surrogate, more than 32 levels.
 * @example
 * ```ts
 * import { canonicalize } from "touchstone/protocol";
 * canonicalize({ b: 1, a: [true, null] }); // '{"a":[true,null],"b":1}'
 * ```
 */
export function canonicalize(value: unknown): string {
  return write(value, 0);
}

/**
 * Reads UTF-8 bytes that must be the canonical text of their value.
 * @param format what they claim to be.
 * @throws MalformedError for every other text of the same value, and for what is no JSON.
 */
export function parseCanonical(bytes: Uint8Array, format: string): unknown {
  const text = decodeUtf8(bytes);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new MalformedError(format, "not JSON", "");
  }
  requireCanonical(value, text, format);
  return value;
}

/** @throws MalformedError where `text`, of which JSON.parse made `value`, is not its canonical text. */
export function requireCanonical(value: unknown, text: string, format: string): void {
  // What a strict parser would refuse shows here: a member twice, white space or another form of a number makes the texts differ.
  if (canonicalize(value) !== text) throw new MalformedError(format, "not in RFC 8785 canonical form", "");
}

function write(value: unknown, depth: number): string {
  if (depth > MAX_DEPTH) throw new MalformedError("canonical JSON", `nested deeper than ${MAX_DEPTH}`);
  if (value === null || typeof value === "boolean") return String(value);
  if (typeof value === "number") return writeNumber(value);
  if (typeof value === "string") return writeString(value);
  if (Array.isArray(value)) return `[${value.map((item) => write(item, depth + 1)).join(",")}]`;
  if (typeof value === "object") return writeObject(value as Record<string, unknown>, depth);
  throw new MalformedError("canonical JSON", `a ${typeof value} has no JSON form`);
}

function writeNumber(value: number): string {
  if (!Number.isFinite(value)) throw new MalformedError("canonical JSON", `${value} has no JSON form`);
  return String(value === 0 ? 0 : value);
}

function writeString(value: string): string {
  if (PLAIN.test(value)) return `"${value}"`;
  if (LONE_SURROGATE.test(value))
    throw new MalformedError("canonical JSON", "a string holds a lone surrogate");
  return JSON.stringify(value);
}

function writeObject(value: Record<string, unknown>, depth: number): string {
  const members = Object.keys(value)
    .sort()
    .map((name) => `${writeString(name)}:${write(value[name], depth + 1)}`);
  return `{${members.join(",")}}`;
}
