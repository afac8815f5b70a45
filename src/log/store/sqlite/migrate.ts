// Runs the migrations that a database lacks, each in one transaction together with the record that it ran.
import type { Database } from "better-sqlite3";
import { type AppliedMigration, type Migration, requireKnown, requireNewest } from "../migrations.ts";

const MIGRATIONS_TABLE = `
  CREATE TABLE IF NOT EXISTS schema_migrations (
    version    INTEGER PRIMARY KEY,
    name       TEXT NOT NULL,
    sha256     TEXT NOT NULL,
    applied_at TEXT NOT NULL
  ) STRICT`;

/** Brings a database to the newest schema. @throws StartRefusedError "schema-unknown". */
export function migrate(database: Database, migrations: readonly Migration[], now: Date): void {
  database.exec(MIGRATIONS_TABLE);
  const applied = appliedMigrations(database);
  requireKnown(applied, migrations);
  for (const migration of migrations.slice(applied.length)) {
    database.transaction(() => apply(database, migration, now)).immediate();
  }
}

/** How many of the migrations did not run yet. @throws StartRefusedError "schema-unknown" where others ran. */
export function migrationsLeft(database: Database, migrations: readonly Migration[]): number {
  const applied = appliedMigrations(database);
  requireKnown(applied, migrations);
  return migrations.length - applied.length;
}

/** @throws StartRefusedError "schema-unknown" unless exactly these migrations ran. */
export function requireNewestSchema(database: Database, migrations: readonly Migration[]): void {
  requireNewest(appliedMigrations(database), migrations);
}

function appliedMigrations(database: Database): AppliedMigration[] {
  return database
    .prepare<[], AppliedMigration>("SELECT version, name, sha256 FROM schema_migrations ORDER BY version")
    .all();
}

function apply(database: Database, { version, name, sql, sha256 }: Migration, now: Date): void {
  database.exec(sql);
  database
    .prepare("INSERT INTO schema_migrations (version, name, sha256, applied_at) VALUES (?, ?, ?, ?)")
    .run(version, name, sha256, now.toISOString());
  database.pragma(`user_version = ${version}`);
}
