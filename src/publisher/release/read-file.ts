// Reading the small files of a release: each of them is at most as large as the largest attachment.
import { readFileSync, statSync } from "node:fs";
import { MalformedError } from "../../protocol/errors.ts";

const MAX_FILE = 16 * 1024 * 1024;

/** @throws MalformedError naming the file when it cannot be read, is no regular file, or is over 16 MiB. */
export function readSmallFile(path: string): Uint8Array {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined || !stat.isFile()) throw new MalformedError("release", `${path} is not there`);
  if (stat.size > MAX_FILE) throw new MalformedError("release", `${path} is over 16 MiB`);
  return new Uint8Array(readFileSync(path));
}
