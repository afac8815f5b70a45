// Reads the small files of a release: each of them is at most as large as the largest attachment.
import { readFileSync, statSync } from "node:fs";
import { MAX_ATTACHMENT_BYTES } from "../../protocol/entry/attachment.ts";
import { MalformedError } from "../../protocol/errors.ts";

/** @throws MalformedError naming the file when it cannot be read, is no regular file, or is over 16 MiB. */
export function readSmallFile(path: string): Uint8Array {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined || !stat.isFile()) throw new MalformedError("release", `${path} is not there`);
  if (stat.size > MAX_ATTACHMENT_BYTES) throw new MalformedError("release", `${path} is over 16 MiB`);
  return new Uint8Array(readFileSync(path));
}
