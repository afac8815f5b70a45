// Shows a schema as it is at one moment, and what fsck asks of it: one transaction that only reads.
import { setTimeout as sleep } from "node:timers/promises";
import type pg from "pg";
import { readMigrations } from "../migrations.ts";
import type { InspectedStore, StoreInspection } from "../store-inspection.ts";
import type { PostgresLocation } from "../store-location.ts";
import { PostgresInspection } from "./inspection.ts";
import { requireNewestSchema } from "./migrate.ts";
import { MIGRATIONS_FOLDER } from "./open.ts";
import { PostgresReader } from "./postgres-reader.ts";
import { askSession, connect, destroy, type Settings } from "./session.ts";
import { statementsIn } from "./statements.ts";

const SETTINGS: Settings = {
  statement_timeout: "0",
  idle_in_transaction_session_timeout: "0",
  enable_hashjoin: "off",
  enable_mergejoin: "off",
};

export class PostgresSnapshot extends PostgresReader implements InspectedStore {
  readonly inspection: StoreInspection;
  readonly #client: pg.Client;

  private constructor(client: pg.Client, schema: string) {
    const within = statementsIn(schema);
    super(
      { ask: (statement, values = []) => askSession(client, within(statement), values) },
      // It never changes.
      { changed: (_, timeoutMs, signal) => sleep(timeoutMs, undefined, { signal }).catch(() => undefined) },
    );
    this.#client = client;
    this.inspection = new PostgresInspection(client, schema);
  }

  /** @throws StartRefusedError "schema-unknown"; Error of the driver. */
  static async open(location: PostgresLocation): Promise<PostgresSnapshot> {
    const client = await connect(location.url, location, { name: "snapshot", settings: SETTINGS });
    try {
      await requireNewestSchema(client, readMigrations(MIGRATIONS_FOLDER));
      await client.query("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
      // The first statement is the moment.
      await client.query("SELECT size FROM tree_head");
      return new PostgresSnapshot(client, location.schema);
    } catch (error) {
      destroy(client);
      throw error;
    }
  }

  override async close(): Promise<void> {
    await this.#client.end();
  }
}
