// Reads the TOML files that publishers write by hand.
import { parse, TomlError } from "smol-toml";
import { MalformedError } from "../protocol/errors.ts";

/**
 * @param format what the text claims to be.
 * @throws MalformedError with the line of the fault. It repeats nothing of the text, which may hold a secret.
 */
export function parseToml(text: string, format: string): Record<string, unknown> {
  try {
    return parse(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    // The first line says what is wrong; the lines after it show the text.
    throw new MalformedError(format, error.message.split("\n")[0] ?? "not TOML", `line ${error.line}`);
  }
}
