// Keeps the session of PostgreSQL in which a candidate waits and writes: a direct one, of a server that keeps what it has acknowledged.
import type pg from "pg";
import { StartRefusedError, StoreUnreachableError } from "../../errors.ts";
import type { PostgresLocation } from "../store-location.ts";
import { type Asker, askSession, connect, destroy, type Settings, type Statement } from "./session.ts";
import { statementsIn } from "./statements.ts";

/** PostgreSQL 14 is the first that notices a client that is gone while it makes it wait. */
const OLDEST_SERVER = 140_000;

/**
 * No statement is given up by the server: what was committed must not look as if it had failed. A client that is gone is noticed. And no
 * append walks the log, also by a plan that was made while it was short; the tree head, one row, is walked all the same, at a price for
 * which PostgreSQL would compile the statement.
 */
const SETTINGS: Settings = {
  enable_seqscan: "off",
  jit: "off",
  statement_timeout: "0",
  lock_timeout: "0",
  idle_session_timeout: "0",
  default_transaction_isolation: "read committed",
  idle_in_transaction_session_timeout: "5s",
  client_connection_check_interval: "1s",
  tcp_user_timeout: "10s",
  tcp_keepalives_idle: "5",
  tcp_keepalives_interval: "2",
  tcp_keepalives_count: "3",
};

/** SQLSTATE of a notice that is none to worry about. A warning has another one, in whatever language it is. */
const NO_WARNING = "00000";

/** What a server says of its settings, and of this session. */
export interface ServerSettings {
  readonly version: number;
  readonly backend: number;
  readonly fsync: string;
  readonly pages: string;
  readonly encoding: string;
  readonly standbys: string;
  readonly isStandby: boolean;
}

export class WriterSession implements Asker {
  readonly client: pg.Client;
  /** Whether the server waits for a synchronous standby before it acknowledges. */
  readonly namesStandby: boolean;
  /** Settles when the session has ended, however it did. */
  readonly ended: Promise<void>;
  /** Warnings since the session began. One during a commit means: it is not known to be replicated. */
  warnings = 0;

  readonly #within: (statement: Statement) => Statement;

  private constructor(client: pg.Client, schema: string, { standbys }: ServerSettings) {
    this.client = client;
    this.#within = statementsIn(schema);
    this.namesStandby = standbys.trim() !== "";
    this.ended = new Promise((resolve) => client.once("end", () => resolve()));
    client.on("notice", ({ code }) => {
      if (code !== NO_WARNING) this.warnings++;
    });
  }

  /** @throws StartRefusedError "storage-unsafe"; StoreUnreachableError, also for a standby. */
  static async open(location: PostgresLocation, name: string): Promise<WriterSession> {
    const client = await connect(location.url, location, { name, settings: SETTINGS });
    try {
      const settings = await readSettings(client);
      const [why] = whyUnsafe(settings, client, location);
      if (why !== undefined) throw new StartRefusedError("storage-unsafe", why);
      if (settings.isStandby)
        throw new StoreUnreachableError(
          "the PostgreSQL server is a standby, and takes no writes before it is promoted",
        );
      return new WriterSession(client, location.schema, settings);
    } catch (error) {
      destroy(client);
      throw error;
    }
  }

  ask<Row extends pg.QueryResultRow>(statement: Statement, values: readonly unknown[] = []): Promise<Row[]> {
    return askSession<Row>(this.client, this.#within(statement), values);
  }

  /** Ends it at once, whatever it is doing. */
  destroy(): void {
    destroy(this.client);
  }
}

/** It also has commits of this session wait for whoever the server waits for. */
export async function readSettings(client: pg.Client): Promise<ServerSettings> {
  const { rows } = await client.query<ServerSettings>(
    `SELECT current_setting('server_version_num')::integer AS version, pg_backend_pid() AS backend,
            current_setting('fsync') AS fsync, current_setting('full_page_writes') AS pages,
            current_setting('server_encoding') AS encoding, current_setting('synchronous_standby_names') AS standbys,
            pg_is_in_recovery() AS "isStandby",
            set_config('synchronous_commit',
              CASE current_setting('synchronous_commit') WHEN 'remote_apply' THEN 'remote_apply' ELSE 'on' END, false)`,
  );
  return rows[0] as ServerSettings;
}

/** Why a commit is not what it promises, or the session is not one's own: a sentence each. */
export function whyUnsafe(
  settings: ServerSettings,
  client: pg.Client,
  { replication }: Pick<PostgresLocation, "replication">,
): string[] {
  const isPooled = (client as unknown as { processID: number }).processID !== settings.backend;
  const reasons: ReadonlyArray<readonly [boolean, string]> = [
    [settings.version < OLDEST_SERVER, "the PostgreSQL server is older than version 14"],
    [
      isPooled,
      "there is a connection pooler in front of the PostgreSQL server: who writes holds a lock in a session of its own; give storage.postgres the server's own address",
    ],
    [
      settings.fsync !== "on",
      "the PostgreSQL server has fsync off: a crash would lose what was acknowledged",
    ],
    [settings.pages !== "on", "the PostgreSQL server has full_page_writes off: a crash could damage the log"],
    [
      settings.encoding !== "UTF8",
      `the encoding of the database is ${settings.encoding}, and has to be UTF8`,
    ],
    [
      replication === "required" && settings.standbys.trim() === "",
      'the PostgreSQL server names no synchronous standby (synchronous_standby_names), and storage.replication is "required": a failover would lose what was acknowledged',
    ],
  ];
  return reasons.filter(([applies]) => applies).map(([, why]) => why);
}
