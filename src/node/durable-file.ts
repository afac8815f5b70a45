// Writes files that survive a crash and a power cut: the new content as a whole, or what was there before.
import { randomBytes } from "node:crypto";
import * as nodeFs from "node:fs";
import { dirname, resolve } from "node:path";

/** As many as Linux follows (path_resolution(7)). */
const MAX_LINKS = 40;

/** The system calls that are made here; a test passes ones that fail. */
export type FileSystem = Pick<
  typeof nodeFs,
  "openSync" | "writeSync" | "fsyncSync" | "closeSync" | "renameSync" | "rmSync"
>;

/**
 * Writes a whole file or nothing. It is durable once this returns: a temporary file beside it that nobody else has (O_EXCL, so no
 * link is followed), written, synced, renamed into place, and the folder synced, without which a power cut may take the name back.
 * @param mode permissions of the file, less the process's umask; a file that was there is replaced, and its permissions with it.
 * @throws the system's error. The temporary file is gone then, and a file that was there is as it was, unless it was the folder that
 *   could not be synced.
 */
export function writeDurably(
  path: string,
  content: Uint8Array,
  { mode = 0o644, fs = nodeFs }: { readonly mode?: number; readonly fs?: FileSystem } = {},
): void {
  const temporary = `${path}.${randomBytes(6).toString("hex")}.tmp`;
  const fd = fs.openSync(temporary, "wx", mode);
  try {
    try {
      writeFully(fd, content, 0, fs);
      fs.fsyncSync(fd);
    } finally {
      fs.closeSync(fd);
    }
    fs.renameSync(temporary, path);
  } catch (error) {
    fs.rmSync(temporary, { force: true });
    throw error;
  }
  sync(dirname(path), fs);
}

/**
 * Writes all bytes at a position. A full disk or a size limit makes write(2) take a part of them without an error: only the next call
 * says why (POSIX.1-2024, write). Not durable before a sync.
 */
export function writeFully(
  fd: number,
  bytes: Uint8Array,
  position: number,
  fs: Pick<FileSystem, "writeSync"> = nodeFs,
): void {
  for (let written = 0; written < bytes.length; ) {
    const taken = fs.writeSync(fd, bytes, written, bytes.length - written, position + written);
    if (taken === 0) throw new Error(`only ${written} of ${bytes.length} bytes could be written`);
    written += taken;
  }
}

/** Makes durable what a file holds, or which names a folder has. */
export function sync(
  path: string,
  fs: Pick<FileSystem, "openSync" | "fsyncSync" | "closeSync"> = nodeFs,
): void {
  const fd = fs.openSync(path, "r");
  try {
    fs.fsyncSync(fd);
  } finally {
    fs.closeSync(fd);
  }
}

/** The file that a path leads to through symbolic links, which need not be there yet: what replaces it leaves the link in its place. */
export function followLink(path: string): string {
  for (let followed = 0; followed < MAX_LINKS; followed++) {
    if (nodeFs.lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() !== true) return path;
    path = resolve(dirname(path), nodeFs.readlinkSync(path));
  }
  throw new Error("too many symbolic links");
}
