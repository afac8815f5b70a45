// Reads the logs of a process through a few sessions of PostgreSQL, and asks again in another one where a session was at fault.
import pg from "pg";
import {
  type Asker,
  askSession,
  clientConfig,
  isConnectionError,
  type Settings,
  type Statement,
  sqlState,
} from "./session.ts";
import { statementsIn } from "./statements.ts";

const SESSIONS = 8;
/** Statements that a session prepares, each of one log: the server keeps about 40 KiB for each. */
const MAX_PREPARED = 1_000;
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
  jit: "off",
};

export class ReadingPool {
  readonly #pool: pg.Pool;
  readonly #maxPrepared: number;
  /** What each session has prepared. */
  readonly #prepared = new WeakMap<pg.ClientBase, Set<string>>();

  constructor(url: string, settings: Settings = READING_SETTINGS, maxPrepared: number = MAX_PREPARED) {
    this.#maxPrepared = maxPrepared;
    this.#pool = new pg.Pool({
      ...clientConfig(url, "reader"),
      max: SESSIONS,
      query_timeout: CLIENT_MS,
      allowExitOnIdle: true,
      options: optionsOf({ search_path: NO_LOG, ...settings }),
    });
    // A session that ends while it is idle is replaced when it is needed; who asks in one is told.
    this.#pool.on("error", () => undefined);
    this.#pool.on("connect", (client) => client.on("error", () => undefined));
  }

  /** Asks of the log in one schema. */
  of(schema: string): LogAsker {
    return new LogAsker(this, schema);
  }

  /** Asks once. A session in which a statement failed, whatever the reason, is used no more: another answer may still be on its way. */
  async ask<Row extends pg.QueryResultRow>(statement: Statement, values: readonly unknown[]): Promise<Row[]> {
    const client = await this.#pool.connect();
    try {
      const rows = await askSession<Row>(client, this.#preparedIn(client, statement), values);
      client.release();
      return rows;
    } catch (error) {
      client.release(true);
      throw error;
    }
  }

  async close(): Promise<void> {
    if (!this.#pool.ending) await this.#pool.end();
  }

  /** The statement without its name, which has it planned anew each time, where the session keeps enough of them. */
  #preparedIn(client: pg.ClientBase, { name, text }: Statement): Statement {
    const prepared = this.#prepared.get(client) ?? new Set();
    this.#prepared.set(client, prepared);
    if (prepared.size < this.#maxPrepared) prepared.add(name);
    return prepared.has(name) ? { name, text } : { name: "", text };
  }
}

/** Asks of one log, in whichever session of a pool is free. */
export class LogAsker implements Asker {
  readonly #pool: ReadingPool;
  readonly #within: (statement: Statement) => Statement;
  readonly #underWay = new Set<Promise<unknown>>();
  #isClosed = false;

  constructor(pool: ReadingPool, schema: string) {
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

  async #ask<Row extends pg.QueryResultRow>(
    statement: Statement,
    values: readonly unknown[],
  ): Promise<Row[]> {
    if (this.#isClosed) throw new Error("the store was closed");
    const asked = this.#pool.ask<Row>(this.#within(statement), values);
    this.#underWay.add(asked);
    try {
      return await asked;
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
