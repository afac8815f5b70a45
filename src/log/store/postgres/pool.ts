// Reads the logs of a process through a few sessions of PostgreSQL, and asks again in another one where a session was at fault.
import pg from "pg";
import {
  type Asker,
  clientConfig,
  isConnectionError,
  type Settings,
  type Statement,
  sqlState,
} from "./session.ts";
import { statementsIn } from "./statements.ts";

const SESSIONS = 8;
/** A read that takes longer is given up: by the server, and a while later by this side, whose server may be gone. */
const SERVER_MS = 5_000;
const CLIENT_MS = 8_000;
/** Where names are looked up that no schema is given with: PostgreSQL's own. A statement that forgot its log's fails. */
const NO_LOG = "pg_catalog";
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

export class ReadingPool {
  readonly #pool: pg.Pool;

  constructor(url: string, settings: Settings = READING_SETTINGS) {
    this.#pool = new pg.Pool({
      ...clientConfig(url, "reader"),
      max: SESSIONS,
      query_timeout: CLIENT_MS,
      allowExitOnIdle: true,
      options: optionsOf({ search_path: NO_LOG, ...settings }),
    });
    // An idle session that ends is replaced when it is needed.
    this.#pool.on("error", () => undefined);
  }

  /** Asks of the log in one schema. */
  of(schema: string): LogAsker {
    return new LogAsker(this.#pool, schema);
  }

  async close(): Promise<void> {
    if (!this.#pool.ending) await this.#pool.end();
  }
}

/** Asks of one log, in whichever session of a pool is free. */
export class LogAsker implements Asker {
  readonly #pool: pg.Pool;
  readonly #within: (statement: Statement) => Statement;
  readonly #underWay = new Set<Promise<unknown>>();
  #isClosed = false;

  constructor(pool: pg.Pool, schema: string) {
    this.#pool = pool;
    this.#within = statementsIn(schema);
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

  /** Waits for what is under way; the others go on. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.allSettled(this.#underWay);
  }

  /** A session whose statement failed, whatever the reason, is used no more. */
  async #ask<Row extends pg.QueryResultRow>(
    statement: Statement,
    values: readonly unknown[],
  ): Promise<Row[]> {
    if (this.#isClosed) throw new Error("the store was closed");
    const asked = this.#pool.query<Row>({ ...this.#within(statement), values: [...values] });
    this.#underWay.add(asked);
    try {
      return (await asked).rows;
    } finally {
      this.#underWay.delete(asked);
    }
  }
}

/** Settings with which a session begins. */
function optionsOf(settings: Settings): string {
  return Object.entries(settings)
    .map(([name, value]) => `-c ${name}=${value}`)
    .join(" ");
}
