// Reads the TOML files that publishers write by hand.
import { parse, TomlDate, TomlError } from "smol-toml";
import { MalformedError } from "../protocol/errors.ts";

/**
 * @param format what the text claims to be.
 * @throws MalformedError with the line of the fault. It repeats nothing of the text, which may hold a secret.
 */
export function parseToml(text: string, format: string): Record<string, unknown> {
  try {
    const table = parse(text);
    requireRealTimes(table, text, format);
    return table;
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    // The first line says what is wrong; the lines after it show the text.
    throw new MalformedError(format, error.message.split("\n")[0] ?? "not TOML", `line ${error.line}`);
  }
}

/** The parser makes 30 February 2 March. A day that the file states is written in it. */
function requireRealTimes(value: unknown, text: string, format: string): void {
  if (value instanceof TomlDate) {
    const day = value.toISOString().slice(0, 10);
    if (!value.isTime() && !text.includes(day))
      throw new MalformedError(format, `a time in it is not a time that exists: it would be of ${day}`);
  } else if (typeof value === "object" && value !== null) {
    for (const inner of Object.values(value)) requireRealTimes(inner, text, format);
  }
}
