// Opens the database file, with the settings on which durability rests, and the lock that keeps a second writer out.
import type { Database } from "better-sqlite3";
import { packagePath } from "../../../node/package-root.ts";
import { openSqlite } from "../../../node/sqlite.ts";
import { StartRefusedError } from "../../errors.ts";
import { readMigrations } from "../migrations.ts";
import { explainDamage, refuseForeignWal } from "./file-state.ts";
import { migrate, migrationsLeft, requireNewestSchema } from "./migrate.ts";
import { schemaDifferences } from "./schema.ts";

/** "Tchs": marks the file as a Touchstone log (SQLite file format §1.3.17). */
const APPLICATION_ID = 0x54636873;

/** Of a new database; one that is there keeps its own. Three entries of 2 KiB fit into such a page, of which one fills half of the usual size. */
export const PAGE_BYTES = 8192;
/** Longest time for which somebody holds the lock who only looks whether it is taken, milliseconds. */
const LOOK_MS = 100;
const WAL_BYTES = 16 * 1024 * 1024;

/** The migrations that come with the program. */
export const MIGRATIONS_FOLDER = packagePath("migrations", "sqlite");

/** An open database and what must be released with it. */
export interface OpenDatabase {
  readonly database: Database;
  close(): void;
}

export interface OpenOptions {
  readonly now: Date;
  readonly migrationsFolder?: string;
}

/**
 * Opens a log's database for writing, creating it where there is none, and brings its schema up to date.
 * @throws StartRefusedError "log-in-use" when another process, or this one, has it open for writing; "schema-unknown"; "log-damaged".
 */
export function openForWriting(
  file: string,
  { now, migrationsFolder = MIGRATIONS_FOLDER }: OpenOptions,
): OpenDatabase {
  const migrations = readMigrations(migrationsFolder);
  const lock = lockWriter(file);
  try {
    refuseForeignWal(file);
    const database = openSqlite(file, { timeout: 5000 });
    try {
      checkApplication(database, file);
      database.pragma(`page_size = ${PAGE_BYTES}`);
      database.pragma("journal_mode = WAL");
      // The WAL is synced at every commit: what is acknowledged survives a power cut.
      database.pragma("synchronous = FULL");
      // Pages of indexes are written over and over: folding 16 MiB of log into the database at a time writes each of them once.
      const pageBytes = database.pragma("page_size", { simple: true }) as number;
      database.pragma(`wal_autocheckpoint = ${Math.floor(WAL_BYTES / pageBytes)}`);
      database.pragma("cache_size = -16384");
      database.pragma(`application_id = ${APPLICATION_ID}`);
      migrate(database, migrations, now);
      const [difference] = schemaDifferences(database, migrations);
      if (difference !== undefined) throw new StartRefusedError("log-damaged", damaged(difference));
      // A statement with a trigger notes each page before it changes it, to be able to take itself back. That is a few pages an entry, and
      // no file is written for it. Migrations, which may sort a whole index, have run with a file.
      database.pragma("temp_store = MEMORY");
    } catch (error) {
      database.close();
      throw asRefusal(error);
    }
    return { database, close: () => release(database, lock) };
  } catch (error) {
    lock.close();
    throw error;
  }
}

/**
 * Opens a log's database for reading, also while a service writes to it.
 * @throws StartRefusedError "schema-unknown"; "log-damaged".
 */
export function openForReading(file: string, migrationsFolder: string = MIGRATIONS_FOLDER): OpenDatabase {
  refuseForeignWal(file);
  const database = openSqlite(file, { readonly: true, fileMustExist: true, timeout: 5000 });
  try {
    checkApplication(database, file);
    requireNewestSchema(database, readMigrations(migrationsFolder));
  } catch (error) {
    database.close();
    throw (error as { code?: string }).code === "SQLITE_CANTOPEN" ? unreadable(file) : asRefusal(error);
  }
  return { database, close: () => database.close() };
}

/** Whether migrations are left to run. @throws StartRefusedError "schema-unknown". */
export function hasOldSchema(file: string, migrationsFolder: string = MIGRATIONS_FOLDER): boolean {
  refuseForeignWal(file);
  const database = openSqlite(file, { readonly: true, fileMustExist: true, timeout: 5000 });
  try {
    checkApplication(database, file);
    return migrationsLeft(database, readMigrations(migrationsFolder)) > 0;
  } catch (error) {
    throw asRefusal(error);
  } finally {
    database.close();
  }
}

/** Whether somebody has a log open for writing. Looking takes a lock for a moment, and whoever opens the log then waits that long. */
export function isOpenForWriting(file: string): boolean {
  const lock = openSqlite(`${file}-writer`, { timeout: 0, fileMustExist: true });
  try {
    lock.prepare("SELECT 1 FROM sqlite_schema").get();
    return false;
  } catch (error) {
    if (isBusy(error)) return true;
    throw error;
  } finally {
    lock.close();
  }
}

function isBusy(error: unknown): boolean {
  return (error as { code?: string }).code === "SQLITE_BUSY";
}

/** What is not as the migrations made it, and what to do about it. */
export function damaged(difference: string): string {
  return `the log is damaged: ${difference}; put a backup in its place, and run 'touchstone recover --from MIRROR'`;
}

function asRefusal(error: unknown): unknown {
  const damage = explainDamage(error);
  return damage === undefined ? error : new StartRefusedError("log-damaged", `the log is damaged: ${damage}`);
}

/** Reading a file with a write-ahead log needs a file beside it, which a disk that is mounted for reading does not let be made. */
function unreadable(file: string): StartRefusedError {
  return new StartRefusedError(
    "schema-unknown",
    `${file} cannot be read where it is: it is a copy of a database that was in use. Copy it to a disk that can be written to; what 'touchstone backup' makes can be read anywhere`,
  );
}

function release(database: Database, lock: Database): void {
  database.close();
  lock.close();
}

/**
 * Takes the writer's lock: an exclusive transaction on an empty database beside the log, which the kernel ends with its process,
 * however that ends. Readers of the log itself are not kept out by it.
 */
function lockWriter(file: string): Database {
  const lock = openSqlite(`${file}-writer`, { timeout: LOOK_MS });
  try {
    lock.exec("BEGIN EXCLUSIVE");
    return lock;
  } catch (error) {
    lock.close();
    if (!isBusy(error)) throw error;
    throw new StartRefusedError(
      "log-in-use",
      `${file} is open for writing in another process; a log has one writer, stop that one first`,
    );
  }
}

function checkApplication(database: Database, file: string): void {
  const id = database.pragma("application_id", { simple: true });
  const tables = database.prepare<[], { n: number }>("SELECT count(*) AS n FROM sqlite_schema").get()?.n ?? 0;
  if (tables > 0 && id !== APPLICATION_ID) {
    throw new StartRefusedError("schema-unknown", `${file} is a SQLite database, but not a Touchstone log`);
  }
  if (tables === 0 && database.readonly)
    throw new StartRefusedError("schema-unknown", `${file} is empty: it never was a log`);
}
