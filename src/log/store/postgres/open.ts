// Opens a schema of PostgreSQL as the store of a log: brings it up to date, and refuses one that is not as the migrations made it.
import { packagePath } from "../../../node/package-root.ts";
import { StartRefusedError } from "../../errors.ts";
import { readMigrations } from "../migrations.ts";
import { MAX_SCHEMA_LENGTH, type PostgresLocation } from "../store-location.ts";
import { appliedMigrations, migrate } from "./migrate.ts";
import { schemaDifferences } from "./schema.ts";
import { connect, destroy } from "./session.ts";

const MOVED = "_moved";

/** The migrations that come with the program. */
export const MIGRATIONS_FOLDER = packagePath("migrations", "postgres");

/**
 * Brings a schema up to date, creating it where there is none.
 * @throws StartRefusedError "schema-unknown" | "log-damaged".
 */
export async function prepareSchema(
  location: PostgresLocation,
  migrationsFolder: string = MIGRATIONS_FOLDER,
): Promise<void> {
  const migrations = readMigrations(migrationsFolder);
  const client = await connect(location.url, location, { name: "migrations", settings: {} });
  try {
    await migrate(client, location.schema, migrations);
    const [difference] = await schemaDifferences(client, location.schema, migrations);
    if (difference !== undefined) throw new StartRefusedError("log-damaged", damaged(difference));
  } finally {
    destroy(client);
  }
}

/** Whether a log's schema is there. */
export async function schemaExists(location: PostgresLocation): Promise<boolean> {
  const client = await connect(location.url, location, { name: "looking", settings: {} });
  try {
    return (await appliedMigrations(client)).length > 0;
  } finally {
    destroy(client);
  }
}

/** Renames a schema; its functions no longer find their tables. @returns its new name. */
export async function renameSchema(location: PostgresLocation): Promise<string> {
  const renamed = `${location.schema.slice(0, MAX_SCHEMA_LENGTH - MOVED.length)}${MOVED}`;
  const client = await connect(location.url, location, { name: "moving", settings: {} });
  try {
    await client.query(`ALTER SCHEMA "${location.schema}" RENAME TO "${renamed}"`);
    return renamed;
  } finally {
    destroy(client);
  }
}

/** What is not as the migrations made it, and what to do about it. */
export function damaged(difference: string): string {
  return `the log is damaged: ${difference}; restore the schema from a backup, and run 'touchstone recover --from MIRROR'`;
}
