// Reading and writing the files that are named on the command line.
import { readFileSync, statSync } from "node:fs";
import { writeDurably } from "../node/durable-file.ts";
import { utf8 } from "../protocol/encoding/text.ts";
import { MalformedError } from "../protocol/errors.ts";
import { UsageError } from "./context.ts";

const MAX_INPUT_BYTES = 64 * 1024 * 1024;

/** @throws UsageError when the file is missing, not a file or larger than 64 MiB. */
export function readInput(path: string): Uint8Array {
  try {
    const stat = statSync(path);
    if (!stat.isFile()) throw new Error("not a regular file");
    if (stat.size > MAX_INPUT_BYTES) throw new Error("larger than 64 MiB");
    return new Uint8Array(readFileSync(path));
  } catch (error) {
    throw new UsageError(`${path}: ${error instanceof Error ? error.message : "cannot be read"}`);
  }
}

/**
 * Reads a file of the user's own: a pin, a configuration, a document to sign.
 * @param parse throws MalformedError for what is none.
 * @throws UsageError naming the file where it is missing or malformed.
 */
export function readOwn<T>(path: string, parse: (bytes: Uint8Array) => T): T {
  const bytes = readInput(path);
  try {
    return parse(bytes);
  } catch (error) {
    throw error instanceof MalformedError ? new UsageError(`${path}: ${error.message}`) : error;
  }
}

/** Writes a whole file or nothing, durably. @throws UsageError when it cannot be written; a file that was there is as it was. */
export function writeOutput(path: string, content: string | Uint8Array, mode = 0o644): void {
  try {
    writeDurably(path, typeof content === "string" ? utf8(content) : content, { mode });
  } catch (error) {
    throw new UsageError(`${path}: ${error instanceof Error ? error.message : "cannot be written"}`);
  }
}
