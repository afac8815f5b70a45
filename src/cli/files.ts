// Reads and writes the files that are named on the command line.
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { followLink, writeDurably } from "../node/durable-file.ts";
import { utf8 } from "../protocol/encoding/text.ts";
import { MalformedError } from "../protocol/errors.ts";
import { AnswerIsNo, UsageError } from "./context.ts";

const MAX_INPUT_BYTES = 64 * 1024 * 1024;

/** Standard input or output, where a file is named. */
export const STANDARD = "-";
const STDIN = 0;
const STDOUT = 1;

/** The whole file, or standard input for "-". @throws UsageError when it is missing, not a file or larger than 64 MiB. */
export function readInput(path: string): Uint8Array {
  try {
    if (path === STANDARD) return readStandardInput();
    const stat = statSync(path);
    if (!stat.isFile()) throw new Error("not a regular file");
    if (stat.size > MAX_INPUT_BYTES) throw new Error("larger than 64 MiB");
    return new Uint8Array(readFileSync(path));
  } catch (error) {
    throw new UsageError(`${path}: ${error instanceof Error ? error.message : "cannot be read"}`);
  }
}

function readStandardInput(): Uint8Array {
  const bytes = new Uint8Array(readFileSync(STDIN));
  if (bytes.length === 0) throw new Error("standard input is empty, or was read already");
  if (bytes.length > MAX_INPUT_BYTES) throw new Error("larger than 64 MiB");
  return bytes;
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
    throw error instanceof MalformedError
      ? new UsageError(`${path}: ${error.message}${repairOf(bytes)}`)
      : error;
  }
}

/**
 * Reads a file of others, which is judged by the command.
 * @param parse throws MalformedError for what is none.
 * @throws AnswerIsNo "malformed" naming the file, UsageError where it cannot be read.
 */
export function readJudged<T>(path: string, parse: (bytes: Uint8Array) => T): T {
  const bytes = readInput(path);
  try {
    return parse(bytes);
  } catch (error) {
    throw error instanceof MalformedError
      ? new AnswerIsNo(`${path}: ${error.message}${repairOf(bytes)}`, "malformed")
      : error;
  }
}

/** What an editor or a shell may have done to a text that cannot be read, and how to undo it; "" where nothing of that is seen. */
function repairOf(bytes: Uint8Array): string {
  const [a, b, c] = bytes;
  if (a === undefined) return "; the file is empty";
  if (a === 0xef && b === 0xbb && c === 0xbf)
    return "; it begins with a byte order mark: save it as UTF-8 without one";
  if (
    (a === 0xff && b === 0xfe) ||
    (a === 0xfe && b === 0xff) ||
    (a !== 0x30 && bytes.subarray(0, 4).includes(0))
  )
    return "; it is UTF-16 text: save it as UTF-8";
  if (bytes.some((byte, i) => byte === 0x0d && bytes[i + 1] === 0x0a))
    return "; it has the line ends of Windows: make it again, or take the carriage returns out (tr -d '\\r')";
  return "";
}

/**
 * Writes a whole file or nothing, durably; what a symbolic link points to is replaced, not the link. "-" is standard output, and a device or
 * a pipe is written to as it is.
 * @throws UsageError when it cannot be written; a file that was there is as it was.
 */
export function writeOutput(path: string, content: string | Uint8Array, mode = 0o644): void {
  const bytes = typeof content === "string" ? utf8(content) : content;
  try {
    if (path === STANDARD) writeFileSync(STDOUT, bytes);
    else if (isStream(path)) writeFileSync(path, bytes);
    else writeDurably(followLink(path), bytes, { mode });
  } catch (error) {
    throw new UsageError(`${path}: ${error instanceof Error ? error.message : "cannot be written"}`);
  }
}

/** Such as /dev/stdout: to replace it by a file is never meant. */
function isStream(path: string): boolean {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat !== undefined && !stat.isFile() && !stat.isDirectory();
}
