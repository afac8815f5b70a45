// Copies a database with SQLite's online backup.
import { openSqlite } from "../../../node/sqlite.ts";
import { openForReading, PAGE_BYTES } from "./open.ts";

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
  settle(destination);
}

/**
 * Makes one file that is whole by itself: it can be checked on a disk that is mounted for reading, and told from a file that was copied.
 * The copy of a database that was founded with other pages gets those of today.
 */
export function settle(file: string): void {
  const copy = openSqlite(file, {});
  try {
    copy.pragma("journal_mode = DELETE");
    if (copy.pragma("page_size", { simple: true }) === PAGE_BYTES) return;
    copy.pragma(`page_size = ${PAGE_BYTES}`);
    copy.exec("VACUUM");
  } finally {
    copy.close();
  }
}
