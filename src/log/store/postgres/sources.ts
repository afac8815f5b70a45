// Chooses where to read: from the replicas while this process does not lead, and from the server that it writes to while it does.
import type pg from "pg";
import type { LogWriter, Seen } from "../log-store.ts";
import type { PostgresLocation } from "../store-location.ts";
import { Listener, type Notices, Poller } from "./notices.ts";
import { ReadingPool } from "./pool.ts";
import type { Asker, Statement } from "./session.ts";
import { type SeenRow, STATEMENTS } from "./statements.ts";

export class Sources implements Asker {
  /** The server that takes writes. */
  readonly primary: ReadingPool;
  readonly notices: Notices;
  readonly #replicas: ReadingPool | null;
  #leading: AbortSignal | null = null;

  constructor(location: PostgresLocation) {
    const { url, readerUrl, schema } = location;
    this.primary = new ReadingPool(url, schema);
    this.#replicas = readerUrl === undefined ? null : new ReadingPool(readerUrl, schema);
    this.notices = this.#replicas === null ? new Listener(location) : new Poller(() => this.look(this));
  }

  /** From now on, until it is lost, what this writer has committed is seen by every read. */
  follow({ lost }: LogWriter): void {
    this.#leading = lost;
  }

  ask<Row extends pg.QueryResultRow>(statement: Statement, values?: readonly unknown[]): Promise<Row[]> {
    const isLeading = this.#leading?.aborted === false;
    return (isLeading || this.#replicas === null ? this.primary : this.#replicas).ask<Row>(statement, values);
  }

  async close(): Promise<void> {
    this.notices.close();
    await Promise.all([this.primary.close(), this.#replicas?.close()]);
  }

  /** Whether reads may be behind what is committed. */
  get hasReplicas(): boolean {
    return this.#replicas !== null;
  }

  /** What there is where this asks. */
  async look(asker: Asker): Promise<Seen> {
    const [seen] = await asker.ask<SeenRow>(STATEMENTS.seen);
    if (seen === undefined) throw new Error("the database has no tree head");
    return seen;
  }
}
