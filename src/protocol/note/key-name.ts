// Checks the names of note keys (C2SP signed-note): what stands before the first plus of a key and between the dash and the base64 of a
// signature.
import { utf8 } from "../encoding/text.ts";
import { MalformedError } from "../errors.ts";

// biome-ignore lint/suspicious/noControlCharactersInRegex: notes forbid exactly these.
const FORBIDDEN = /[\p{White_Space}\p{Surrogate}\u0000-\u001f+]/u;

/** Whether a text can be a key name: not empty, without Unicode space, control character or `+`. */
export function isKeyName(name: string): boolean {
  return name !== "" && !FORBIDDEN.test(name);
}

/** Longest key name and origin in bytes: the ML-DSA-44 message gives their length one byte. */
const MAX_NAME_BYTES = 255;

/** @throws MalformedError unless the text can be a key name or an origin, 1 to 255 bytes. */
export function requireKeyName(name: string, format: string, at?: string): void {
  if (!isKeyName(name) || utf8(name).length > MAX_NAME_BYTES)
    throw new MalformedError(
      format,
      `the name or origin is empty, holds a space or '+', or is longer than ${MAX_NAME_BYTES} bytes`,
      at,
    );
}
