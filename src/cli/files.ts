// Reading and writing the files that are named on the command line.
import {
  closeSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
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

/** Writes a whole file or nothing: a temporary file beside it, synced, then renamed into place. */
export function writeOutput(path: string, content: string | Uint8Array, mode = 0o644): void {
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    const file = openSync(temporary, "wx", mode);
    try {
      writeSync(file, typeof content === "string" ? new TextEncoder().encode(content) : content);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw new UsageError(`${path}: ${error instanceof Error ? error.message : "cannot be written"}`);
  }
}
