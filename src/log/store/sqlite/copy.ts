// Copies a database with SQLite's online backup.
import { openSqlite } from "../../../node/sqlite.ts";
import { openForReading } from "./open.ts";

/** More pages than a database has: all of them in one step, which is one moment of the log. */
const ALL_PAGES = 0x7fffffff;

/** @throws StartRefusedError "schema-unknown". */
export async function copyDatabase(source: string, destination: string): Promise<void> {
  const open = openForReading(source);
  try {
    await open.database.backup(destination, { progress: () => ALL_PAGES });
  } finally {
    open.close();
  }
  withoutWal(destination);
}

/** One file that is whole by itself: it can be checked on a disk that is mounted for reading, and told from a file that was copied. */
function withoutWal(file: string): void {
  const copy = openSqlite(file, {});
  try {
    copy.pragma("journal_mode = DELETE");
  } finally {
    copy.close();
  }
}
