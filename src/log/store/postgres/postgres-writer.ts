// Implements LogWriter on PostgreSQL: each call is one statement that commits by itself, in the session that holds the lock. A commit that
// is not known to be replicated is followed by one that is before anybody is told; one that does not answer is settled in a new session.
import { ConflictError, LeadershipLostError, UnknownOutcomeError } from "../../errors.ts";
import type { Append, LogWriter, PublishedCheckpoint } from "../log-store.ts";
import type { PostgresLocation } from "../store-location.ts";
import { packAppend } from "./packed-append.ts";
import { isConnectionError, type Statement, sqlState } from "./session.ts";
import { STATEMENTS } from "./statements.ts";
import { WriterSession } from "./writer-session.ts";

/** For a commit to answer, milliseconds. Then its socket is closed; a cancel is never sent, since it could make a commit look replicated. */
const DEADLINE_MS = 10_000;
/** Raised by the functions of migrations/postgres. */
const FENCED = "TS001";
const CONFLICT = "TS002";
/** What remains of a lease when a writer that could not renew it gives up. */
const SAFE_SHARE = 0.6;

/** What a writer has won. */
export interface Won {
  readonly session: WriterSession;
  readonly epoch: number;
  readonly takenAt: Date;
  /** Seconds. */
  readonly lease: number;
}

export class PostgresWriter implements LogWriter {
  readonly epoch: number;
  readonly takenAt: Date;
  readonly #location: PostgresLocation;
  readonly #session: WriterSession;
  readonly #lease: number;
  readonly #lost = new AbortController();
  readonly #deadlineMs: number;
  readonly #keeper: NodeJS.Timeout;
  /** By the monotonic clock: when the newest commit was sent that has extended the lease. */
  #renewedAt = performance.now();
  /** Calls that are under way. */
  #pending = 0;
  #last: Promise<unknown> = Promise.resolve();
  #closed: Promise<void> | null = null;

  constructor(location: PostgresLocation, { session, epoch, takenAt, lease }: Won, deadlineMs = DEADLINE_MS) {
    this.epoch = epoch;
    this.takenAt = takenAt;
    this.#location = location;
    this.#session = session;
    this.#lease = lease;
    this.#deadlineMs = deadlineMs;
    void session.ended.then(() => this.#lose("its session with PostgreSQL has ended"));
    this.#keeper = setInterval(() => this.#keepLease(), (lease * 1000) / 5);
    this.#keeper.unref();
  }

  get renewedAt(): number {
    return this.#renewedAt;
  }

  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  async append(expectedSize: number, append: Append): Promise<void> {
    const packed = packAppend(append);
    const [size, , leaves, , digests] = packed;
    await this.#inOrder(async () => {
      try {
        await this.#commit(STATEMENTS.append, [this.epoch, this.#lease, expectedSize, ...packed]);
      } catch (error) {
        if (!(error instanceof UnknownOutcomeError)) throw error;
        await this.#settle([expectedSize, size, leaves, digests], error);
      }
    });
  }

  addCheckpoint({ size, cosignedAt, note }: PublishedCheckpoint): Promise<void> {
    return this.#keep(STATEMENTS.addCheckpoint, [this.epoch, this.#lease, size, cosignedAt, note]);
  }

  /** What renews the lease is a commit that changes nothing else. */
  probe(): Promise<void> {
    return this.renew();
  }

  renew(): Promise<void> {
    return this.#keep(STATEMENTS.renew, [this.epoch, this.#lease]);
  }

  close(): Promise<void> {
    this.#closed ??= this.#finish();
    return this.#closed;
  }

  /** The lock goes with the session; the lease is ended before, so that nobody waits for it. */
  async #finish(): Promise<void> {
    clearInterval(this.#keeper);
    await this.#last.catch(() => undefined);
    if (!this.#lost.signal.aborted)
      await this.#commit(STATEMENTS.renew, [this.epoch, 0]).catch(() => undefined);
    this.#lose("it was closed");
    await this.#session.ended;
  }

  /** A commit of which nobody needs to know what became of it when its session ends: whoever leads next reads what there is. */
  #keep(statement: Statement, values: readonly unknown[]): Promise<void> {
    return this.#inOrder(async () => {
      try {
        await this.#commit(statement, values);
      } catch (error) {
        throw error instanceof UnknownOutcomeError ? this.#lost.signal.reason : error;
      }
    });
  }

  /** One call after the other. */
  async #inOrder<T>(call: () => Promise<T>): Promise<T> {
    if (this.#closed !== null) throw new LeadershipLostError("the store was closed");
    this.#pending++;
    const result = this.#last.then(call);
    this.#last = result.catch(() => undefined);
    try {
      return await result;
    } finally {
      this.#pending--;
      this.#endIfLost();
    }
  }

  /**
   * Sends one statement, and returns once it is committed and known to be replicated.
   * @throws LeadershipLostError, ConflictError: it did not happen. UnknownOutcomeError: the session ended before that was known.
   */
  async #commit(statement: Statement, values: readonly unknown[]): Promise<void> {
    if (this.#lost.signal.aborted) throw this.#lost.signal.reason;
    const sentAt = performance.now();
    const deadline = AbortSignal.timeout(this.#deadlineMs);
    const destroy = () => this.#session.destroy();
    deadline.addEventListener("abort", destroy);
    try {
      const { warnings } = this.#session;
      await this.#session.ask(statement, values);
      if (this.#session.warnings > warnings) await this.#barrier();
      this.#renewedAt = sentAt;
    } catch (error) {
      throw this.#explain(error);
    } finally {
      deadline.removeEventListener("abort", destroy);
    }
  }

  /** Commits until one is replicated: those before it are as well. The deadline of the commit ends it. */
  async #barrier(): Promise<void> {
    for (;;) {
      const { warnings } = this.#session;
      await this.#session.ask(STATEMENTS.barrier);
      if (this.#session.warnings === warnings) return;
    }
  }

  #explain(error: unknown): unknown {
    const { message } = error as Error;
    const state = sqlState(error);
    if (state === CONFLICT) return new ConflictError(message);
    if (state === FENCED) return this.#lose(message);
    if (!isConnectionError(error)) return error;
    this.#lose("its session with PostgreSQL has ended");
    return new UnknownOutcomeError(`PostgreSQL did not answer: ${message}`, { cause: error });
  }

  /**
   * Finds out in a new session what became of an append whose session ended: the epoch is ended first, so that whatever of it is still on
   * its way is refused. Returns when the append is in the log, every leaf of it at its index, and replicated: who leads next may have been
   * sent some of the same entries.
   * @throws LeadershipLostError when it is not and never will be; UnknownOutcomeError when the database cannot be asked.
   */
  async #settle(holds: readonly unknown[], unknown: UnknownOutcomeError): Promise<void> {
    let session: WriterSession | undefined;
    const deadline = setTimeout(() => session?.destroy(), this.#deadlineMs);
    try {
      session = await WriterSession.open(this.#location, "settling an append");
      await session.ask(STATEMENTS.fence, [this.epoch]);
      const [found] = await session.ask(STATEMENTS.holds, holds);
      if (found === undefined)
        throw new LeadershipLostError("the append was given up, and nothing of it was written");
      const { warnings } = session;
      await session.ask(STATEMENTS.barrier);
      if (session.warnings > warnings) throw unknown;
    } catch (error) {
      throw error instanceof LeadershipLostError ? error : unknown;
    } finally {
      clearTimeout(deadline);
      session?.destroy();
    }
  }

  /** An idle writer renews its lease; one that could not for too long gives up before others may take over. */
  #keepLease(): void {
    const since = performance.now() - this.#renewedAt;
    if (since > this.#lease * 1000 * SAFE_SHARE) this.#lose("its lease could not be renewed");
    else if (this.#pending === 0) this.renew().catch(() => undefined);
  }

  #lose(why: string): LeadershipLostError {
    clearInterval(this.#keeper);
    if (!this.#lost.signal.aborted)
      this.#lost.abort(new LeadershipLostError(`this writer leads no more: ${why}`));
    this.#endIfLost();
    return this.#lost.signal.reason as LeadershipLostError;
  }

  /** What is under way is still answered; then the lock goes with the session. */
  #endIfLost(): void {
    if (this.#lost.signal.aborted && this.#pending === 0) this.#session.destroy();
  }
}
