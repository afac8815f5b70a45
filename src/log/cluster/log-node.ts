// Takes part in a log of which one process at a time is the leader: campaigns, leads while it is its turn, follows while it is not, and
// campaigns again after whatever ended its leading. A log on one machine is a node alone: its store coming back is enough to go on.
import { setTimeout as sleep } from "node:timers/promises";
import type { InForce } from "../../protocol/registration/in-force.ts";
import type { Published } from "../checkpointing/publication.ts";
import { LogUnavailableError, StartRefusedError } from "../errors.ts";
import { LogIndex } from "../index/log-index.ts";
import type { Log } from "../log.ts";
import type { Logger } from "../observer.ts";
import { type PublishedLog, type Shown, showing } from "../published-log.ts";
import type { BatchLines, PublishOutcome } from "../sequencing/sequencer.ts";
import type { ServedLog } from "../served-log.ts";
import type { LogWriter } from "../store/log-store.ts";
import { Follower } from "./follower.ts";
import { LeaderWatch, type OtherLeader } from "./leader-watch.ts";
import type { ClusterConfig, Leading, LogNodeConfig } from "./node-config.ts";
import { takeOver } from "./take-over.ts";
import { within } from "./within.ts";

/** A leader of this process, from its take-over to its end. */
interface Term {
  readonly log: Log;
  readonly writer: LogWriter;
}

const ALONE: ClusterConfig = { leaseMs: 5_000, staleAfterMs: 10_000 };
/** Milliseconds after a take-over that failed, and after one that was refused: what is wrong takes somebody to repair. */
const RETRY_MS = 1_000;
const REFUSED_MS = 5_000;

export class LogNode implements ServedLog {
  readonly #config: LogNodeConfig;
  readonly #limits: ClusterConfig;
  readonly #shown: Shown;
  readonly #closing = new AbortController();
  #term: Term | null = null;
  #follower: Follower;
  #running: Promise<void> = Promise.resolve();
  /** What was in force when the last leader of this process ended: until the store was read, a follower knows what is published. */
  #registered: InForce | null = null;
  #reachedAt = Number.NEGATIVE_INFINITY;
  /** Aborted when this process is to stop, and need not lead any more. */
  readonly #resigned = new AbortController();
  readonly #watch: LeaderWatch;
  /** Why this process may not lead, where it would be its turn. */
  #refusal: StartRefusedError | null = null;
  #closed: Promise<void> | null = null;
  #readerClosed: Promise<void> | null = null;

  private constructor(config: LogNodeConfig) {
    this.#config = config;
    this.#limits = config.cluster ?? ALONE;
    this.#watch = new LeaderWatch({
      leadership: config.store.leadership,
      own: config.leading?.candidate,
      leaseMs: this.#limits.leaseMs,
      logger: config.observer.logger,
    });
    this.#shown = showing(config.store.reader, null, this.#openIndex(config));
    this.#follower = new Follower(config.store, this.#shown.publication);
  }

  /**
   * A node alone leads when this resolves; one of a cluster has read what is published, and goes on by itself.
   * @throws StartRefusedError
   */
  static async start(config: LogNodeConfig): Promise<LogNode> {
    const node = new LogNode(config);
    try {
      if (config.cluster === null && config.leading !== null)
        node.#term = await node.#leadAtOnce(config.leading);
      else await node.#follower.refresh();
      await node.#shown.index?.start();
    } catch (error) {
      await node.close();
      throw error;
    }
    node.#running = node.#run();
    return node;
  }

  get read(): PublishedLog {
    return this.#shown.read;
  }

  get isLeading(): boolean {
    return this.#term !== null;
  }

  get registered(): InForce {
    if (this.#term !== null) return this.#term.log.registered;
    const { registered, hasRead } = this.#follower;
    return hasRead ? registered : (this.#registered ?? registered);
  }

  get indexSize(): number | null {
    return this.#shown.index?.size ?? null;
  }

  get pending(): number {
    return this.#term?.log.pending ?? 0;
  }

  get isBehind(): boolean {
    const reachedAt = this.#term?.writer.renewedAt ?? Math.max(this.#follower.reachedAt, this.#reachedAt);
    return performance.now() - reachedAt > this.#limits.staleAfterMs;
  }

  async publish(lines: BatchLines): Promise<PublishOutcome[]> {
    if (this.#term === null) throw this.impediment() ?? noLeader();
    return this.#term.log.publish(lines);
  }

  impediment(): LogUnavailableError | null {
    if (this.#closed !== null) return new LogUnavailableError("shutting-down", "the service is stopping");
    if (this.#term !== null) return this.#term.log.impediment();
    if (this.#watch.isLed && !this.isBehind) return null;
    if (this.obstacle !== null) return this.obstacle;
    if (this.#refusal === null) return noLeader();
    const text = `this process may not lead: ${this.#refusal.message}`;
    return new LogUnavailableError("log-stopped", text, { cause: this.#refusal });
  }

  onPublished(listener: (published: Published) => void): () => void {
    return this.#shown.publication.onPublished(listener);
  }

  /** Reads what is new, where somebody else leads, and waits for that no longer than so many milliseconds. */
  async refresh(waitMs: number): Promise<void> {
    if (this.#term === null) await within(waitMs, this.#follower.refresh());
  }

  /** Whether a tree of that size is published, now or within so many milliseconds. */
  async reach(size: number, waitMs: number): Promise<boolean> {
    const { publication } = this.#shown;
    if (publication.size < size) void this.refresh(waitMs).catch(() => undefined);
    return publication.covers(size - 1, waitMs);
  }

  /** Where entries go: here, or to another node. Waits for as long as a change of hands takes; null when nobody has come then. */
  async whereToWrite(): Promise<"here" | OtherLeader | null> {
    const patience = AbortSignal.timeout(this.#limits.leaseMs + 2_000);
    const found = await this.#watch.untilLed(
      AbortSignal.any([patience, this.#closing.signal]),
      () => this.isLeading,
    );
    return this.isLeading ? "here" : found;
  }

  /** Why entries cannot be sent to the one that leads, which waiting does not mend. */
  get obstacle(): LogUnavailableError | null {
    const why = this.#term === null ? this.#watch.obstacle : null;
    return why === null ? null : new LogUnavailableError("log-stopped", why);
  }

  /** For whoever could not reach the node that `whereToWrite` gave. */
  notReached(): void {
    this.#watch.notReached();
  }

  /** Gives the lead to whoever waits for it, and goes on as one that follows: for a process that is about to be closed. */
  async resign(): Promise<void> {
    this.#resigned.abort(new Error("the process is stopping"));
    const term = this.#term;
    await term?.log.finish();
    term?.log.stepDown(this.#resigned.signal.reason as Error);
    while (this.#term !== null && this.#term === term) await sleep(10);
  }

  /** Finishes what was accepted, gives the lead to whoever waits for it, and releases the store. */
  close(): Promise<void> {
    this.#closed ??= this.#finish();
    return this.#closed;
  }

  async #finish(): Promise<void> {
    const { leading } = this.#config;
    this.#resigned.abort(new Error("the process is stopping"));
    await this.#term?.log.finish();
    this.#closing.abort(new Error("the service is stopping"));
    await this.#running;
    this.#shown.publication.close();
    await this.#shown.index?.close();
    await leading?.highWater.close();
    // The writer is closed last: SQLite folds its write-ahead log into the file then.
    await this.#closeReader();
    await this.#term?.writer.close();
  }

  /** Its whole life: it leads while it may, and follows while it may not. */
  async #run(): Promise<void> {
    while (this.#closed === null) {
      this.#term ??= await this.#followUntilLeading();
      if (this.#term === null) return;
      await this.#lead(this.#term);
    }
  }

  /** Null once it is closed: a process that never leads, or does not any more, reads until then. */
  async #followUntilLeading(): Promise<Term | null> {
    const { leading, observer } = this.#config;
    const following = new AbortController();
    const signal = AbortSignal.any([this.#closing.signal, following.signal]);
    const followed = this.#follower.follow({ signal, watch: this.#watch, logger: observer.logger });
    let term: Term | null = null;
    while (leading !== null && term === null && !this.#resigned.signal.aborted)
      term = await this.#tryToLead(leading);
    if (term === null) await followed;
    following.abort();
    return term;
  }

  async #tryToLead(leading: Leading): Promise<Term | null> {
    try {
      const { leadership } = this.#config.store;
      const { signal } = this.#resigned;
      const term = await this.#begin(leading, await leadership.campaign(leading.candidate, signal));
      if (signal.aborted) term.log.stepDown(signal.reason as Error);
      return term;
    } catch (error) {
      if (this.#resigned.signal.aborted) return null;
      const refusal = error instanceof StartRefusedError && error.code !== "log-in-use" ? error : null;
      if (this.#refusal?.message !== refusal?.message || refusal === null)
        this.#logger.warn({ err: error }, "this process does not lead the log; it is tried again");
      this.#refusal = refusal;
      await this.#pause(refusal === null ? RETRY_MS : REFUSED_MS);
      return null;
    }
  }

  /** @throws StartRefusedError, when the store is closed. */
  async #leadAtOnce(leading: Leading): Promise<Term> {
    const writer = await this.#config.store.leadership.leadAtOnce(leading.candidate);
    // What is refused stays as it was: SQLite folds its write-ahead log into the file where the writer is the last one that is closed.
    return this.#begin(leading, writer, () => this.#closeReader());
  }

  /** @throws StartRefusedError; whatever the store says. The writer is closed then, after what is passed. */
  async #begin(
    { candidate, ...config }: Leading,
    writer: LogWriter,
    before?: () => Promise<void>,
  ): Promise<Term> {
    const { store, observer } = this.#config;
    this.#watch.won(writer.epoch);
    try {
      // It may have been won while it was given up.
      this.#resigned.signal.throwIfAborted();
      const log = await takeOver({ ...config, observer, reader: store.reader, writer }, this.#shown);
      return { log, writer };
    } catch (error) {
      await before?.();
      await writer.close();
      throw error;
    }
  }

  #closeReader(): Promise<void> {
    this.#readerClosed ??= this.#config.store.close();
    return this.#readerClosed;
  }

  /** Leads until another one does, or until what is durable has to be found out anew; then it follows, and lets others be first. */
  async #lead({ log, writer }: Term): Promise<void> {
    this.#refusal = null;
    log.runDueWork();
    this.#logger.info({ epoch: writer.epoch }, "this process leads the log");
    await aborted(log.over, this.#closing.signal);
    if (this.#closed !== null) return;
    this.#logger.warn(
      { err: log.over.reason as Error, epoch: writer.epoch },
      "this process does not lead the log any more",
    );
    this.#reachedAt = writer.renewedAt;
    this.#registered = log.registered;
    this.#follower = new Follower(this.#config.store, this.#shown.publication);
    this.#term = null;
    void log.finish();
    await writer
      .close()
      .catch((error: unknown) => this.#logger.warn({ err: error }, "the store could not be closed"));
    await this.#pause(RETRY_MS);
  }

  /** The index of this process, whoever leads. */
  #openIndex({ index, store, observer }: LogNodeConfig): LogIndex | undefined {
    if (index === undefined) return undefined;
    return new LogIndex(index, {
      store: store.reader,
      logger: observer.logger,
      rootAt: (size) => this.#term?.log.rootAt(size) ?? this.read.rootAt(size),
      registered: () => this.registered,
      published: () => this.read.inForce,
      issues: () => this.#term?.log.issuesStatuses === true,
    });
  }

  get #logger(): Logger {
    return this.#config.observer.logger;
  }

  async #pause(ms: number, signal: AbortSignal = this.#closing.signal): Promise<void> {
    await sleep(ms, null, { signal }).catch(() => null);
  }
}

/** Resolves when one of them is aborted. */
function aborted(...signals: readonly AbortSignal[]): Promise<void> {
  const any = AbortSignal.any([...signals]);
  return new Promise((resolve) => {
    if (any.aborted) resolve();
    else any.addEventListener("abort", () => resolve(), { once: true });
  });
}

function noLeader(): LogUnavailableError {
  return new LogUnavailableError("no-leader", "nobody leads the log at this moment; send the entries again");
}
