// Brings a schema up to date: what it lacks runs in one transaction, together with the record that it ran, under a lock that lets one
// process at a time do so.
import type pg from "pg";
import { StartRefusedError } from "../../errors.ts";
import { type AppliedMigration, type Migration, requireKnown, requireNewest } from "../migrations.ts";
import { sqlState } from "./session.ts";

const MIGRATIONS_TABLE = `
  CREATE TABLE IF NOT EXISTS schema_migrations (
    version    integer PRIMARY KEY,
    name       text NOT NULL,
    sha256     text NOT NULL,
    applied_at timestamptz NOT NULL
  )`;
const UNDEFINED_TABLE = "42P01";
const NO_PRIVILEGE = "42501";

/**
 * Brings a schema to the newest version, creating it where there is none. Where nothing is missing it writes nothing, so that a role that
 * may not is enough. @throws StartRefusedError "schema-unknown".
 */
export async function migrate(
  client: pg.ClientBase,
  schema: string,
  migrations: readonly Migration[],
): Promise<void> {
  const before = await appliedMigrations(client);
  requireKnown(before, migrations);
  if (before.length === migrations.length) return;
  await client.query("BEGIN");
  try {
    await client.query("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", [
      `touchstone migrate ${schema}`,
    ]);
    await client.query(`CREATE SCHEMA IF NOT EXISTS "${schema}"`);
    await client.query(MIGRATIONS_TABLE);
    const applied = await appliedMigrations(client);
    requireKnown(applied, migrations);
    for (const migration of migrations.slice(applied.length)) await apply(client, migration);
    await client.query("COMMIT");
  } catch (error) {
    await client.query("ROLLBACK").catch(() => undefined);
    throw sqlState(error) === NO_PRIVILEGE ? notOwner(before, migrations) : error;
  }
}

function notOwner(
  { length: version }: readonly AppliedMigration[],
  { length: newest }: readonly Migration[],
): StartRefusedError {
  return new StartRefusedError(
    "schema-unknown",
    `the schema has version ${version}, this program needs ${newest}, and this role may not change it; start this program once with the URL of the schema's owner`,
  );
}

/** @throws StartRefusedError "schema-unknown" unless exactly these migrations ran. */
export async function requireNewestSchema(
  client: pg.ClientBase,
  migrations: readonly Migration[],
): Promise<void> {
  requireNewest(await appliedMigrations(client), migrations);
}

/** None where there is no such schema. */
export async function appliedMigrations(client: pg.ClientBase): Promise<AppliedMigration[]> {
  try {
    const text = "SELECT version, name, sha256 FROM schema_migrations ORDER BY version";
    return (await client.query<AppliedMigration>(text)).rows;
  } catch (error) {
    if (sqlState(error) !== UNDEFINED_TABLE) throw error;
    return [];
  }
}

async function apply(client: pg.ClientBase, { version, name, sql, sha256 }: Migration): Promise<void> {
  await client.query(sql);
  await client.query(
    "INSERT INTO schema_migrations (version, name, sha256, applied_at) VALUES ($1, $2, $3, clock_timestamp())",
    [version, name, sha256],
  );
}
