// Runs schema migrations: plain SQL files, in order of their number, each in one transaction together with the record that it ran.
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Database } from "better-sqlite3";
import { StartRefusedError } from "../../errors.ts";

const FILE_NAME = /^([0-9]{4})_([a-z0-9_]+)\.sql$/;

const MIGRATIONS_TABLE = `
  CREATE TABLE IF NOT EXISTS schema_migrations (
    version    INTEGER PRIMARY KEY,
    name       TEXT NOT NULL,
    sha256     TEXT NOT NULL,
    applied_at TEXT NOT NULL
  ) STRICT`;

export interface Migration {
  readonly version: number;
  readonly name: string;
  readonly sql: string;
  /** Hex, of the file. */
  readonly sha256: string;
}

/** The migrations in a folder, `NNNN_name.sql` numbered from 0001 without gaps. @throws Error on any other file. */
export function readMigrations(folder: string): Migration[] {
  const names = readdirSync(folder).sort();
  return names.map((file, i) => {
    const match = FILE_NAME.exec(file);
    if (match === null || Number(match[1]) !== i + 1) {
      throw new Error(
        `${join(folder, file)}: expected migration ${String(i + 1).padStart(4, "0")}_<name>.sql`,
      );
    }
    const sql = readFileSync(join(folder, file), "utf8");
    return {
      version: i + 1,
      name: match[2] ?? "",
      sql,
      sha256: createHash("sha256").update(sql).digest("hex"),
    };
  });
}

/**
 * Brings a database to the newest schema.
 * @throws StartRefusedError "schema-unknown" when a migration that ran is not the one in the folder, or is not there at all:
 *   the database was written by another, perhaps newer, version of the program.
 */
export function migrate(database: Database, migrations: readonly Migration[], now: Date): void {
  database.exec(MIGRATIONS_TABLE);
  const applied = appliedMigrations(database);
  checkApplied(applied, migrations);
  for (const migration of migrations.slice(applied.length)) {
    database.transaction(() => apply(database, migration, now)).immediate();
  }
}

/** How many of the migrations did not run yet. @throws StartRefusedError "schema-unknown" where others ran. */
export function migrationsLeft(database: Database, migrations: readonly Migration[]): number {
  const applied = appliedMigrations(database);
  checkApplied(applied, migrations);
  return migrations.length - applied.length;
}

/** @throws StartRefusedError "schema-unknown" unless exactly these migrations ran. */
export function requireNewestSchema(database: Database, migrations: readonly Migration[]): void {
  const left = migrationsLeft(database, migrations);
  if (left > 0) {
    throw new StartRefusedError(
      "schema-unknown",
      `the database has schema version ${migrations.length - left}, this program needs ${migrations.length}; start the service once to upgrade it`,
    );
  }
}

type Applied = Pick<Migration, "version" | "name" | "sha256">;

function appliedMigrations(database: Database): Applied[] {
  return database
    .prepare<[], Applied>("SELECT version, name, sha256 FROM schema_migrations ORDER BY version")
    .all();
}

function checkApplied(applied: readonly Applied[], migrations: readonly Migration[]): void {
  applied.forEach((ran, i) => {
    const known = migrations[i];
    if (known === undefined) {
      throw new StartRefusedError(
        "schema-unknown",
        `the database has schema version ${ran.version} (${ran.name}), this program knows ${migrations.length}; use the program that wrote it, or a newer one`,
      );
    }
    const isSame = known.version === ran.version && known.name === ran.name && known.sha256 === ran.sha256;
    if (!isSame) {
      throw new StartRefusedError(
        "schema-unknown",
        `migration ${ran.version} (${ran.name}) ran with SHA-256 ${ran.sha256}, the file of number ${known.version} (${known.name}) has ${known.sha256}; restore the file`,
      );
    }
  });
}

function apply(database: Database, { version, name, sql, sha256 }: Migration, now: Date): void {
  database.exec(sql);
  database
    .prepare("INSERT INTO schema_migrations (version, name, sha256, applied_at) VALUES (?, ?, ?, ?)")
    .run(version, name, sha256, now.toISOString());
  database.pragma(`user_version = ${version}`);
}
