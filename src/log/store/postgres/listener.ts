// Hears of commits in every log of a server, by one LISTEN: the functions that write notify everybody who listens, once what they wrote is
// visible. Each log is told of its own.
import { setTimeout as sleep } from "node:timers/promises";
import type pg from "pg";
import type { Seen } from "../log-store.ts";
import { LogNotices } from "./notices.ts";
import { connect, destroy } from "./session.ts";

/** As in migrations/postgres. Its notices say schema, size, and the time of a checkpoint or 0. */
const CHANNEL = "touchstone";
const RETRY_MS = 1_000;
/** It reads no log. */
const NO_LOG = { schema: "pg_catalog" };

export class Listener {
  readonly #url: string;
  readonly #closing = new AbortController();
  readonly #logs = new Set<LogNotices>();
  #listening: Promise<void> | null = null;
  #hears = false;

  constructor(url: string) {
    this.#url = url;
  }

  /**
   * Notices of one log. The session is opened when somebody first waits.
   * @param look what there is of it now.
   */
  of(schema: string, look: () => Promise<Seen>): LogNotices {
    const log = new LogNotices(schema, {
      look,
      onWait: () => {
        this.#listening ??= this.#listen();
        if (this.#hears) log.begin();
      },
      onClose: () => this.#logs.delete(log),
    });
    this.#logs.add(log);
    return log;
  }

  close(): void {
    this.#closing.abort();
  }

  async #listen(): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      await this.#listenOnce(signal).catch(() => undefined);
      this.#hears = false;
      for (const log of this.#logs) log.end();
      await sleep(RETRY_MS, undefined, { signal, ref: false }).catch(() => undefined);
    }
  }

  /** Until the session ends. */
  async #listenOnce(signal: AbortSignal): Promise<void> {
    const client = await connect(this.#url, NO_LOG, { name: "listener", settings: {} });
    const end = () => destroy(client);
    const ended = new Promise((resolve) => client.once("end", resolve));
    signal.addEventListener("abort", end);
    if (signal.aborted) end();
    client.on("notification", this.#hear);
    try {
      await client.query(`LISTEN ${CHANNEL}`);
      this.#hears = true;
      for (const log of this.#logs) log.begin();
      await ended;
    } finally {
      signal.removeEventListener("abort", end);
      end();
    }
  }

  readonly #hear = ({ payload = "" }: pg.Notification): void => {
    const [schema, size, cosignedAt] = payload.split(" ");
    for (const log of this.#logs)
      if (log.schema === schema) log.hear({ size: Number(size), cosignedAt: Number(cosignedAt) });
  };
}
