// Chooses where to read: from the replicas while this process does not lead, and from the server that it writes to while it does.
import type pg from "pg";
import type { LogWriter, Seen } from "../log-store.ts";
import type { SharedSessions } from "../shared-sessions.ts";
import type { PostgresLocation } from "../store-location.ts";
import { type Notices, ReplicaNotices } from "./notices.ts";
import type { LogAsker } from "./pool.ts";
import type { Asker, Statement } from "./session.ts";
import { SharedServer } from "./shared-server.ts";
import { type SeenRow, STATEMENTS } from "./statements.ts";

export class Sources implements Asker {
  /** The server that takes writes. */
  readonly primary: LogAsker;
  readonly notices: Notices;
  readonly #replicas: LogAsker | null;
  readonly #sessions: SharedSessions;
  readonly #urls: readonly string[];
  #closed: Promise<void> | null = null;
  #leading: AbortSignal | null = null;

  constructor({ url, readerUrl, schema }: PostgresLocation, sessions: SharedSessions) {
    this.#sessions = sessions;
    this.#urls = readerUrl === undefined ? [url] : [url, readerUrl];
    const take = (one: string) => sessions.take(one, () => new SharedServer(one));
    const primary = take(url);
    this.primary = primary.pool.of(schema);
    this.#replicas = readerUrl === undefined ? null : take(readerUrl).pool.of(schema);
    const notices = primary.listener.of(schema, () => this.look(this.primary));
    this.notices = this.#replicas === null ? notices : new ReplicaNotices(notices, () => this.look(this));
  }

  /** From now on, until it is lost, what this writer has committed is seen by every read. */
  follow({ lost }: LogWriter): void {
    this.#leading = lost;
  }

  ask<Row extends pg.QueryResultRow>(statement: Statement, values?: readonly unknown[]): Promise<Row[]> {
    const isLeading = this.#leading?.aborted === false;
    return (isLeading || this.#replicas === null ? this.primary : this.#replicas).ask<Row>(statement, values);
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    this.notices.close();
    await Promise.all([this.primary.close(), this.#replicas?.close()]);
    await Promise.all(this.#urls.map((url) => this.#sessions.giveBack(url)));
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
