// Hears of commits: the functions that write notify everybody who listens, once what they wrote is visible. A replica cannot be listened
// to, and is asked again and again.
import { setTimeout as sleep } from "node:timers/promises";
import type pg from "pg";
import type { Seen } from "../log-store.ts";
import type { PostgresLocation } from "../store-location.ts";
import { connect, destroy } from "./session.ts";
import { type SeenRow, STATEMENTS } from "./statements.ts";

/** As in migrations/postgres. Its notices say schema, size, and the time of a checkpoint or 0. */
const CHANNEL = "touchstone";
const RETRY_MS = 1_000;

/** Waits for something newer than what was seen. */
export interface Notices {
  changed(seen: Seen, timeoutMs: number, signal: AbortSignal): Promise<void>;
  close(): void;
}

/** What is told of before anything is known. */
const NOTHING = { size: -1, cosignedAt: -1 };

/** By LISTEN, in a session that is opened when somebody first waits. */
export class Listener implements Notices {
  readonly #location: PostgresLocation;
  readonly #closing = new AbortController();
  #listening: Promise<void> | null = null;
  /** What notices, which come in the order of commits, have told of last: a later checkpoint may have an earlier time. */
  #told = { ...NOTHING };
  readonly #wakes = new Set<() => void>();
  /** Notices that came, and those among them that who waits was woken for. */
  #heard = 0;
  #answered = 0;

  constructor(location: PostgresLocation) {
    this.#location = location;
  }

  async changed(seen: Seen, timeoutMs: number, signal: AbortSignal): Promise<void> {
    this.#listening ??= this.#listen();
    // Of one second there may be several checkpoints: one that came while the last was read says nothing newer, and is new.
    const isUnanswered = this.#heard > this.#answered;
    this.#answered = this.#heard;
    if (isUnanswered || this.#told.size > seen.size || this.#told.cosignedAt > (seen.cosignedAt ?? 0)) return;
    let wake = () => {};
    const woken = new Promise<void>((resolve) => {
      wake = resolve;
    });
    this.#wakes.add(wake);
    const over = AbortSignal.any([signal, this.#closing.signal]);
    const timeout = sleep(timeoutMs, undefined, { signal: over, ref: false }).catch(() => undefined);
    await Promise.race([woken, timeout]);
    this.#wakes.delete(wake);
    this.#answered = this.#heard;
  }

  close(): void {
    this.#closing.abort();
  }

  /** What came while nobody listened is looked up. */
  async #listen(): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      try {
        const client = await connect(this.#location.url, this.#location, { name: "listener", settings: {} });
        const end = () => destroy(client);
        const ended = new Promise((resolve) => client.once("end", resolve));
        signal.addEventListener("abort", end);
        if (signal.aborted) end();
        client.on("notification", this.#hear);
        // A server that took the place of another may have less.
        this.#told = { ...NOTHING };
        await client.query(`LISTEN ${CHANNEL}`);
        const { rows } = await client.query<SeenRow>(STATEMENTS.seen.text);
        if (rows[0] !== undefined) this.#fill(rows[0]);
        this.#wakeAll();
        await ended;
        signal.removeEventListener("abort", end);
      } catch {
        // It is opened again.
      }
      this.#wakeAll();
      await sleep(RETRY_MS, undefined, { signal, ref: false }).catch(() => undefined);
    }
  }

  /** What notices have told of meanwhile is no older than what was looked up. */
  #fill({ size, cosignedAt }: Seen): void {
    if (this.#told.size === NOTHING.size) this.#told.size = size;
    if (this.#told.cosignedAt === NOTHING.cosignedAt) this.#told.cosignedAt = cosignedAt ?? 0;
  }

  readonly #hear = ({ payload = "" }: pg.Notification): void => {
    const [schema, size, cosignedAt] = payload.split(" ");
    if (schema !== this.#location.schema) return;
    this.#heard++;
    if (cosignedAt === "0") this.#told.size = Number(size);
    else this.#told.cosignedAt = Number(cosignedAt);
    this.#wakeAll();
  };

  #wakeAll(): void {
    for (const wake of this.#wakes) wake();
    this.#wakes.clear();
  }
}

const POLL_MS = 250;

/** By asking a replica what it has. */
export class Poller implements Notices {
  readonly #look: () => Promise<Seen>;

  constructor(look: () => Promise<Seen>) {
    this.#look = look;
  }

  async changed(seen: Seen, timeoutMs: number, signal: AbortSignal): Promise<void> {
    const end = performance.now() + timeoutMs;
    for (let left = timeoutMs; left > 0 && !signal.aborted; left = end - performance.now()) {
      // A replica that does not answer has nothing to tell.
      const now = await this.#look().catch(() => seen);
      if (now.size !== seen.size || now.cosignedAt !== seen.cosignedAt) return;
      await sleep(Math.min(left, POLL_MS), undefined, { signal, ref: false }).catch(() => undefined);
    }
  }

  close(): void {}
}
