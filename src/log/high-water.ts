// The high-water mark: the largest checkpoint that the log has signed, in a file outside the database. It is what tells a database
// that lost its newest entries (a restored backup) from one that never had them, so it is never part of a backup.
import { closeSync, fdatasyncSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from "node:fs";
import { dirname } from "node:path";

export interface HighWater {
  /** The note that was written last, or undefined where there is none. */
  read(): Promise<string | undefined>;
  /** Replaces the note. It is durable once this resolves; a crash before leaves the old one. */
  write(note: string): Promise<void>;
}

/**
 * A high-water mark in a file. The system calls of a write, of which a test counts on the order:
 * openat(tmp) write fdatasync close · rename(tmp, file) · openat(folder) fsync close
 */
export function highWaterFile(file: string): HighWater {
  return {
    async read() {
      try {
        return readFileSync(file, "utf8");
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
        throw error;
      }
    },
    // Synchronous: it is a fraction of a millisecond, where the thread pool would queue it behind signature checks.
    async write(note) {
      const temporary = `${file}.tmp`;
      withFile(temporary, "w", (fd) => {
        writeSync(fd, note);
        fdatasyncSync(fd);
      });
      renameSync(temporary, file);
      withFile(dirname(file), "r", fsyncSync);
    },
  };
}

function withFile(path: string, flags: string, use: (fd: number) => void): void {
  const fd = openSync(path, flags, 0o644);
  try {
    use(fd);
  } finally {
    closeSync(fd);
  }
}
