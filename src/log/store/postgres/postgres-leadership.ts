// Implements Leadership on PostgreSQL. Every candidate waits in a session of its own for one lock; who has it raises the epoch and writes
// in that session. A holder whose lease is over is ended by those who wait. Lock and lease are for speed: an append names its epoch.
import { setTimeout as sleep } from "node:timers/promises";
import { StartRefusedError } from "../../errors.ts";
import type { Candidate, Leader, Leadership } from "../leadership.ts";
import type { LogWriter } from "../log-store.ts";
import type { Migration } from "../migrations.ts";
import { describeLocation, type PostgresLocation } from "../store-location.ts";
import { requireNewestSchema } from "./migrate.ts";
import { PostgresWriter } from "./postgres-writer.ts";
import { rankOf } from "./preference.ts";
import { type Asker, applicationName, isConnectionError } from "./session.ts";
import { type LeaderRow, STATEMENTS } from "./statements.ts";
import { WriterSession } from "./writer-session.ts";

const LEASE_SECONDS = 5;
/** Between two attempts to reach a server that does not answer, milliseconds. */
const RETRY_MS = 500;
/** How much later than the one that is preferred any other candidate begins to wait, at most. */
const HEAD_START_MS = 1_000;

export interface LeadershipOptions {
  readonly location: PostgresLocation;
  /** Where the tree head is read from that the server itself commits. */
  readonly asker: Asker;
  /** Of this program, as they were when it began: its files may be another one's by the time it leads. */
  readonly migrations: readonly Migration[];
  /** Whether candidates lead several logs, each its share of them. */
  readonly spreads?: boolean;
  /** Called with the writer that leads from now on. */
  readonly onLeading?: (writer: LogWriter) => void;
}

export class PostgresLeadership implements Leadership {
  readonly #options: LeadershipOptions;
  readonly #lease: number;
  /** By the monotonic clock: when the lease ends that the server told of last. */
  #ledUntil = Number.NEGATIVE_INFINITY;

  constructor(options: LeadershipOptions) {
    this.#options = options;
    this.#lease = options.location.lease ?? LEASE_SECONDS;
  }

  /** As Leadership.campaign: a server that does not answer, or takes no writes, is asked again. */
  async campaign(me: Candidate, signal: AbortSignal): Promise<LogWriter> {
    for (;;) {
      signal.throwIfAborted();
      try {
        return await this.#campaignOnce(me, signal);
      } catch (error) {
        signal.throwIfAborted();
        if (!isConnectionError(error)) throw error;
        await sleep(RETRY_MS, undefined, { signal }).catch(() => undefined);
      }
    }
  }

  /** Leads at once or not at all. @throws StartRefusedError "log-in-use" where somebody else does; Error of the driver. */
  async leadAtOnce(me: Candidate): Promise<LogWriter> {
    const session = await WriterSession.open(this.#options.location, me.id);
    try {
      const [row] = await session.ask<{ won: boolean }>(STATEMENTS.tryLock, [this.#key]);
      if (row?.won === true) return await this.#begin(session, me);
      throw new StartRefusedError(
        "log-in-use",
        `${describeLocation(this.#options.location)} is written to by another process; a log has one writer, stop that one first`,
      );
    } catch (error) {
      session.destroy();
      throw error;
    }
  }

  async leader(): Promise<Leader | null> {
    const askedAt = performance.now();
    const [row] = await this.#options.asker.ask<LeaderRow & Record<string, unknown>>(STATEMENTS.leader);
    if (row === undefined) return null;
    const { leaseLeft, ...leader } = row;
    this.#ledUntil = askedAt + leaseLeft * 1000;
    return leader;
  }

  /** What the lock of a log is called. */
  get #key(): string {
    return `touchstone lead ${this.#options.location.schema}`;
  }

  async #campaignOnce(me: Candidate, signal: AbortSignal): Promise<LogWriter> {
    const session = await WriterSession.open(this.#options.location, me.id);
    const destroy = () => session.destroy();
    signal.addEventListener("abort", destroy);
    const watching = new AbortController();
    try {
      // It may have been while the session was opened.
      signal.throwIfAborted();
      void this.#watchHolder(AbortSignal.any([signal, watching.signal]));
      if (this.#options.spreads)
        await sleep(HEAD_START_MS * this.#rankOf(applicationName(me.id)), null, { signal });
      do await session.ask(STATEMENTS.lock, [this.#key]);
      while (this.#options.spreads && (await this.#giveWay(session)));
      watching.abort();
      return await this.#begin(session, me);
    } catch (error) {
      session.destroy();
      throw error;
    } finally {
      watching.abort();
      signal.removeEventListener("abort", destroy);
    }
  }

  /**
   * Lets a candidate that waits go first where it is preferred, and waits behind it. The head start spreads logs where all processes start,
   * or find a server again, at one time; this does at every change of hands after that.
   */
  async #giveWay(session: WriterSession): Promise<boolean> {
    const candidates = await session.ask<{ name: string; granted: boolean }>(STATEMENTS.candidates, [
      this.#key,
    ]);
    const ranks = (granted: boolean) =>
      candidates.filter((one) => one.granted === granted).map(({ name }) => this.#rankOf(name));
    const [own = 0] = ranks(true);
    if (!ranks(false).some((rank) => rank < own)) return false;
    await session.ask(STATEMENTS.unlock, [this.#key]);
    return true;
  }

  #rankOf(name: string): number {
    return rankOf(this.#options.location.schema, name);
  }

  /**
   * Raises the epoch, unless a newer program has changed the schema meanwhile: what that one has others write, this one may not. Its commit
   * waits for the synchronous standbys, so that what is read after it can no longer be lost; one that was not replicated is made again.
   * @throws StartRefusedError "schema-unknown"
   */
  async #begin(session: WriterSession, { id, address }: Candidate): Promise<LogWriter> {
    const { location, migrations, onLeading } = this.#options;
    await requireNewestSchema(session.client, migrations);
    for (;;) {
      const { warnings } = session;
      const values = [id, address, this.#lease];
      const [won] = await session.ask<{ epoch: number; takenAt: Date }>(STATEMENTS.lead, values);
      if (won === undefined) throw new StartRefusedError("log-damaged", "the database has no tree head");
      if (session.warnings > warnings) continue;
      const writer = new PostgresWriter(location, { session, ...won, lease: this.#lease });
      onLeading?.(writer);
      return writer;
    }
  }

  /**
   * Ends the session that has the lock once it was seen twice with a lease that is over: it is stopped, or cut off. Nobody is asked as long
   * as whoever asks who leads is told of a lease that goes on.
   */
  async #watchHolder(signal: AbortSignal): Promise<void> {
    let suspect: number | undefined;
    while (!signal.aborted) {
      await sleep((this.#lease * 1000) / 5, undefined, { signal, ref: false }).catch(() => undefined);
      if (signal.aborted) return;
      if (performance.now() < this.#ledUntil) {
        suspect = undefined;
        continue;
      }
      try {
        const [late] = await this.#options.asker.ask<{ backend: number }>(STATEMENTS.lateHolder, [this.#key]);
        if (late !== undefined && late.backend === suspect)
          await this.#options.asker.ask(STATEMENTS.terminate, [late.backend]);
        suspect = late?.backend;
      } catch {
        // The database is asked again.
      }
    }
  }
}
