// Reads the TOML of a configuration, in which no secret may stand, and holds it against its schema.
import { parse, TomlError } from "smol-toml";
import type * as z from "zod";
import { holdsPrivateKey } from "../protocol/encoding/private-key-text.ts";
import { MalformedError } from "../protocol/errors.ts";

/** @throws MalformedError with the line of the fault. It repeats nothing of the text. */
export function parseConfigToml(text: string): Record<string, unknown> {
  const line = text.split("\n").findIndex(holdsPrivateKey) + 1;
  if (line > 0)
    throw new MalformedError(
      "configuration",
      "a private key stands in it: it belongs into a file that only its owner can read, or is given as env:NAME",
      `line ${line}`,
    );
  try {
    return parse(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    // The first line says what is wrong; the lines after it show the text.
    throw new MalformedError(
      "configuration",
      error.message.split("\n")[0] ?? "not TOML",
      `line ${error.line}`,
    );
  }
}

/** @throws MalformedError with the first member that is wrong. */
export function readConfig<T extends z.ZodType>(schema: T, value: unknown): z.output<T> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  throw new MalformedError(
    "configuration",
    issue?.message ?? "not valid",
    issue?.path.join(".") || undefined,
  );
}
