// Looks at a database file before SQLite opens it, and says of SQLite's own complaints what to do: what lies beside a file decides what
// SQLite makes of it (SQLite file format §1.3.3, write-ahead log §2.3).
import { closeSync, existsSync, openSync, readSync, statSync } from "node:fs";
import { StartRefusedError } from "../../errors.ts";

/** Where the header says how the file is written, and what it says of one with a write-ahead log. */
const WRITE_VERSION_OFFSET = 18;
const WITH_WAL = 2;

/** Whether there is anything in the file. */
export function databaseExists(file: string): boolean {
  return existsSync(file) && statSync(file).size > 0;
}

/** Whether the file was written with a write-ahead log that is not beside it: as a copy it may lack what was in that one. */
export function lacksWal(file: string): boolean {
  return writeVersionOf(file) === WITH_WAL && !databaseExists(`${file}-wal`);
}

/**
 * A backup has no write-ahead log and a log that is served has one, so a backup beside one was copied over a database whose log is still
 * there. SQLite would mix the two.
 * @throws StartRefusedError "log-damaged"
 */
export function refuseForeignWal(file: string): void {
  if (!databaseExists(file) || !databaseExists(`${file}-wal`) || writeVersionOf(file) === WITH_WAL) return;
  throw new StartRefusedError(
    "log-damaged",
    `${file} is a backup, and ${file}-wal beside it belongs to the database that was there before; remove ${file}-wal and ${file}-shm`,
  );
}

/** What SQLite says of a file that is damaged, with what to do about it; undefined for any other error. */
export function explainDamage(error: unknown): string | undefined {
  const { code = "", message } = Object(error) as { code?: string; message?: string };
  if (!/^SQLITE_(?:CORRUPT|NOTADB)/.test(code)) return undefined;
  return `its database cannot be read (${message}). Where a copy was put in its place, remove what ends in -wal and -shm beside it, which belongs to the database before, and put the copy there again`;
}

function writeVersionOf(file: string): number | undefined {
  const header = new Uint8Array(WRITE_VERSION_OFFSET + 1);
  const fd = openSync(file, "r");
  try {
    readSync(fd, header, 0, header.length, 0);
  } finally {
    closeSync(fd);
  }
  return header[WRITE_VERSION_OFFSET];
}
