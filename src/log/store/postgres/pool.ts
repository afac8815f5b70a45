// Reads through a few sessions of PostgreSQL, and asks again in another one where a session was at fault.
import pg from "pg";
import {
  type Asker,
  clientConfig,
  isConnectionError,
  type Settings,
  type Statement,
  sqlState,
} from "./session.ts";

const SESSIONS = 8;
/** A read that takes longer is given up: by the server, and a while later by this side, whose server may be gone. */
const SERVER_MS = 5_000;
const CLIENT_MS = 8_000;
/** A replica took back what a statement was reading. */
const SERIALIZATION_FAILURE = "40001";

/** No statement of a reader walks the log, whatever the planner knows of it so far. */
export const READING_SETTINGS: Settings = {
  statement_timeout: `${SERVER_MS}ms`,
  default_transaction_read_only: "on",
  enable_seqscan: "off",
  enable_hashjoin: "off",
  enable_mergejoin: "off",
};

export class ReadingPool implements Asker {
  readonly #pool: pg.Pool;

  constructor(url: string, schema: string, settings: Settings = READING_SETTINGS) {
    this.#pool = new pg.Pool({
      ...clientConfig(url, "reader"),
      max: SESSIONS,
      query_timeout: CLIENT_MS,
      allowExitOnIdle: true,
      options: optionsOf({ search_path: schema, ...settings }),
    });
    // An idle session that ends is replaced when it is needed.
    this.#pool.on("error", () => undefined);
  }

  async ask<Row extends pg.QueryResultRow>(
    statement: Statement,
    values: readonly unknown[] = [],
  ): Promise<Row[]> {
    try {
      return await this.#ask<Row>(statement, values);
    } catch (error) {
      if (!isConnectionError(error) && sqlState(error) !== SERIALIZATION_FAILURE) throw error;
      return this.#ask<Row>(statement, values);
    }
  }

  async #ask<Row extends pg.QueryResultRow>(
    { name, text }: Statement,
    values: readonly unknown[],
  ): Promise<Row[]> {
    return (await this.#pool.query<Row>({ name, text, values: [...values] })).rows;
  }

  async close(): Promise<void> {
    if (!this.#pool.ending) await this.#pool.end();
  }
}

/** Settings with which a session begins. */
function optionsOf(settings: Settings): string {
  return Object.entries(settings)
    .map(([name, value]) => `-c ${name}=${value}`)
    .join(" ");
}
