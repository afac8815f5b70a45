// Reads JSON that people hand over, and where it is something else says what it looks like: bytes, another document, other tools' names.
// For the message only: nothing is accepted because of what it looks like.
import { likeness } from "../protocol/encoding/recognise.ts";
import { utf8 } from "../protocol/encoding/text.ts";
import type { Json } from "../protocol/envelope/canonical-json.ts";
import { parseJson } from "../protocol/envelope/parse-json.ts";
import { MalformedError } from "../protocol/errors.ts";

export interface HandedOver {
  readonly format: string;
  readonly maxBytes: number;
  /** Names of the members of the wanted object. */
  readonly names: readonly string[];
}

/** The JSON value. @throws MalformedError when it is none, or an object with none of the wanted names. */
export function parseHandedOver(input: Uint8Array | string, wanted: HandedOver): Json {
  const bytes = typeof input === "string" ? utf8(input) : input;
  const value = parse(input, bytes, wanted);
  requireNames(value, wanted, "", () => likeness(bytes));
  return value;
}

/**
 * @param pointer JSON pointer of the value.
 * @param found says of a value that has none of the names what it looks like.
 * @throws MalformedError when the names are those of another document, or the wanted ones in snake_case.
 */
export function requireNames(
  value: Json | undefined,
  wanted: HandedOver,
  pointer = "",
  found = () => "",
): void {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return;
  const names = Object.keys(value);
  if (names.some((name) => wanted.names.includes(name))) return;
  const isSnakeCase = names.some((name) => name.includes("_") && wanted.names.includes(camelCase(name)));
  const detail = isSnakeCase
    ? `the names are in snake_case; write ${wanted.names.join(", ")}`
    : `it has none of the members ${wanted.names.join(", ")}${found()}`;
  throw new MalformedError(wanted.format, detail, pointer);
}

function parse(input: Uint8Array | string, bytes: Uint8Array, { format, maxBytes }: HandedOver): Json {
  try {
    return parseJson(input, maxBytes);
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
    throw new MalformedError(format, `no JSON: ${error.detail}${likeness(bytes, "json")}`, error.at);
  }
}

function camelCase(name: string): string {
  return name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
