// Opens SQLite databases, and says in one line what to do where this machine cannot: SQLite is native code, of which better-sqlite3
// ships one binary for each of the common platforms.
import Sqlite, { type Database, type Options } from "better-sqlite3";

/** There is no binary of SQLite for this machine, or it does not load. */
export class SqliteMissingError extends Error {
  override readonly name = "SqliteMissingError";
}

/**
 * @param file created where there is none, unless the options say otherwise; "" is a temporary database.
 * @throws SqliteMissingError naming this platform and what to run.
 */
export function openSqlite(file: string, options: Options): Database {
  try {
    return new Sqlite(file, options);
  } catch (error) {
    const { code } = error as { readonly code?: string };
    if (code !== "MODULE_NOT_FOUND" && code !== "ERR_DLOPEN_FAILED") throw error;
    throw new SqliteMissingError(
      `SQLite does not load on ${process.platform}-${process.arch}: compile it with "npm explore better-sqlite3 -- npx node-gyp rebuild --release --force_build=1" (needs Python and a C++ compiler)`,
      { cause: error },
    );
  }
}

/** What SQLite itself complains about, such as a file that is busy or no database. */
export function isSqliteError(error: unknown): error is Error & { readonly code: string } {
  return error instanceof Sqlite.SqliteError;
}
