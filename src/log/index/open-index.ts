// Opens the file of an index, and makes it anew where it is not as this program makes it. A file that is something else stays as it is.
import { existsSync, rmSync, statSync } from "node:fs";
import type { Database } from "better-sqlite3";
import { FileError } from "../../node/file-error.ts";
import { isSqliteError, openSqlite, SqliteMissingError } from "../../node/sqlite.ts";
import { LISTS_SCHEMA } from "./entry-lists.ts";
import { PAGES_SCHEMA } from "./index-pages.ts";
import { STAGED_SCHEMA } from "./staged-keys.ts";

/** "TchI" (SQLite file format §1.3.17). */
const APPLICATION_ID = 0x54636849;
/** Goes up with the tables here and with the map function: a file of another version is built again. */
const VERSION = 2;

const SCHEMA = `
  -- How much of the log the file covers, the root of the index over it, and that of the log's tree, which says whose file this is.
  CREATE TABLE state (one INTEGER PRIMARY KEY CHECK (one = 1), size INTEGER NOT NULL, roots BLOB NOT NULL) STRICT;
  -- Sizes at which the whole index can still be read.
  CREATE TABLE marks (size INTEGER PRIMARY KEY, root BLOB NOT NULL) STRICT;
  ${PAGES_SCHEMA}${LISTS_SCHEMA}${STAGED_SCHEMA}`;

/**
 * Keeps every other process from an index: an exclusive transaction on an empty database beside it, which the kernel ends with this process.
 * @returns what gives it back. @throws FileError
 */
export function lockIndex(file: string): () => void {
  let lock: Database | undefined;
  try {
    lock = openSqlite(`${file}-writer`, { timeout: 0 });
    lock.exec("BEGIN EXCLUSIVE");
    return () => lock?.close();
  } catch (error) {
    lock?.close();
    if (error instanceof SqliteMissingError) throw error;
    const isBusy = isSqliteError(error) && error.code === "SQLITE_BUSY";
    const why = isBusy
      ? "is in use by another process; each has an index of its own"
      : `cannot be opened: ${(error as Error).message}`;
    throw new FileError(file, why);
  }
}

/** Removes a file and what SQLite keeps beside it. */
export function removeIndexFile(file: string): void {
  for (const ending of ["", "-wal", "-shm"]) rmSync(`${file}${ending}`, { force: true });
}

/**
 * Opens the database of an index for writing, making it where there is none, or one of another version.
 * @throws FileError for a file that is something else.
 */
export function openIndexDatabase(file: string): Database {
  const database = openSqlite(file, { timeout: 5000 });
  try {
    const id = database.pragma("application_id", { simple: true });
    const version = database.pragma("user_version", { simple: true });
    const tables = database.prepare<[], number>("SELECT count(*) FROM sqlite_schema").pluck().get() ?? 0;
    if (tables > 0 && id !== APPLICATION_ID) throw notOurs(file);
    if (tables > 0 && version === VERSION && hasTables(database)) return prepared(database);
    database.close();
    removeIndexFile(file);
    return made(openSqlite(file, { timeout: 5000 }));
  } catch (error) {
    database.close();
    throw isSqliteError(error) && /^SQLITE_(?:CORRUPT|NOTADB)/.test(error.code) ? notOurs(file) : error;
  }
}

function notOurs(file: string): FileError {
  const size = existsSync(file) ? statSync(file).size : 0;
  return new FileError(
    file,
    `is not the index of a log (${size} bytes); name another file, or remove it: an index is built from its log`,
  );
}

function hasTables(database: Database): boolean {
  const names = database.prepare<[], string>("SELECT name FROM sqlite_schema").pluck().all();
  return ["state", "marks", "pages", "retired", "lists", "staged"].every((name) => names.includes(name));
}

function made(database: Database): Database {
  prepared(database);
  database.transaction(() => {
    database.exec(SCHEMA);
    database.pragma(`application_id = ${APPLICATION_ID}`);
    database.pragma(`user_version = ${VERSION}`);
  })();
  return database;
}

/** After a power cut the file is as it was some transactions ago: what it lacks is added again. */
function prepared(database: Database): Database {
  database.pragma("page_size = 8192");
  database.pragma("journal_mode = WAL");
  database.pragma("synchronous = NORMAL");
  database.pragma("cache_size = -32768");
  return database;
}
