// Keeps what a witness has cosigned in SQLite: one row for each log, replaced only where it is still the one that was checked against, and
// on disk before anybody is answered.
import { existsSync, readFileSync } from "node:fs";
import type { Database, Statement } from "better-sqlite3";
import { FileError } from "../node/file-error.ts";
import { packagePath } from "../node/package-root.ts";
import { openSqlite } from "../node/sqlite.ts";

/** "Twit": marks the file as a witness' memory (SQLite file format §1.3.17). */
const APPLICATION_ID = 0x54776974;
const SCHEMA_VERSION = 1;
const SCHEMA = packagePath("migrations", "witness", "0001_checkpoints.sql");

/** The largest checkpoint of a log that the witness cosigned. */
export interface Cosigned {
  readonly size: number;
  /** 32 bytes. */
  readonly root: Uint8Array;
  /** POSIX seconds. */
  readonly cosignedAt: number;
  /** With the log's signatures and the witness' own, and no others. */
  readonly note: string;
}

/** Size and time of what was cosigned of a log, for metrics. */
export interface LogState {
  readonly origin: string;
  readonly size: number;
  readonly cosignedAt: number;
}

export class WitnessStore {
  readonly #database: Database;
  readonly #find: Statement<[string], Cosigned>;
  readonly #insert: Statement<[string, number, Uint8Array, number, string]>;
  readonly #replace: Statement<[number, Uint8Array, number, string, string, number, Uint8Array]>;
  readonly #newest: Statement<[number], LogState>;

  private constructor(database: Database) {
    this.#database = database;
    this.#find = database.prepare(
      "SELECT size, root, cosigned_at AS cosignedAt, note FROM checkpoints WHERE origin = ?",
    );
    this.#insert = database.prepare(
      "INSERT INTO checkpoints (origin, size, root, cosigned_at, note) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
    );
    this.#replace = database.prepare(
      "UPDATE checkpoints SET size = ?, root = ?, cosigned_at = ?, note = ? WHERE origin = ? AND size = ? AND root = ?",
    );
    this.#newest = database.prepare(
      "SELECT origin, size, cosigned_at AS cosignedAt FROM checkpoints ORDER BY cosigned_at DESC LIMIT ?",
    );
  }

  /** Makes the memory of a new witness. @throws FileError where there is a file already. */
  static create(file: string): WitnessStore {
    if (existsSync(file)) throw new FileError(file, "is there already");
    const database = openSqlite(file, {});
    try {
      database.pragma(`application_id = ${APPLICATION_ID}`);
      makeDurable(database);
      database
        .transaction(() => {
          database.exec(readFileSync(SCHEMA, "utf8"));
          database.pragma(`user_version = ${SCHEMA_VERSION}`);
        })
        .immediate();
      return new WitnessStore(database);
    } catch (error) {
      database.close();
      throw error;
    }
  }

  /**
   * Opens the memory of a witness.
   * @throws FileError where there is none: a witness that forgot what it cosigned must not sign with the same key again.
   */
  static open(file: string): WitnessStore {
    if (!existsSync(file))
      throw new FileError(
        file,
        "is not there: without what it cosigned this witness could cosign a fork. Put the disk back, or found a new witness with a new name and new keys",
      );
    const database = openSqlite(file, { timeout: 5000 });
    try {
      const id = database.pragma("application_id", { simple: true });
      const version = database.pragma("user_version", { simple: true });
      if (id !== APPLICATION_ID || version !== SCHEMA_VERSION)
        throw new FileError(file, `is no memory of a witness that this program knows (version ${version})`);
      makeDurable(database);
      return new WitnessStore(database);
    } catch (error) {
      database.close();
      throw error;
    }
  }

  /** What was cosigned of a log last, or undefined. */
  find(origin: string): Cosigned | undefined {
    return this.#find.get(origin);
  }

  /**
   * Puts a checkpoint in the place of the one that it was checked against. It is durable once this returns.
   * @param before what `find` returned then.
   * @returns false where something else stands there by now; nothing was changed then.
   */
  replace(origin: string, before: Cosigned | undefined, next: Cosigned): boolean {
    const { size, root, cosignedAt, note } = next;
    const { changes } =
      before === undefined
        ? this.#insert.run(origin, size, root, cosignedAt, note)
        : this.#replace.run(size, root, cosignedAt, note, origin, before.size, before.root);
    return changes === 1;
  }

  /** The logs that were cosigned last, newest first. */
  newest(limit: number): LogState[] {
    return this.#newest.all(limit);
  }

  close(): void {
    this.#database.close();
  }
}

/** The write-ahead log is synced at every commit: what was answered survives a power cut. */
function makeDurable(database: Database): void {
  database.pragma("journal_mode = WAL");
  database.pragma("synchronous = FULL");
}
