// Assembles the append-only log as the one process has it that writes it: sequencer, checkpointer, status issuer. How an entry gets into it
// is told in sequencing/sequencer.ts, and how several processes take turns in cluster/log-node.ts.
import type { InForce } from "../protocol/registration/in-force.ts";
import { Checkpointer } from "./checkpointing/checkpointer.ts";
import type { Publication, Published } from "./checkpointing/publication.ts";
import { DEFAULT_LIMITS, type LogConfig } from "./config.ts";
import { BatchRefusedError, LogUnavailableError } from "./errors.ts";
import { LogIndex } from "./index/log-index.ts";
import { NO_OBSERVER } from "./observer.ts";
import { type PublishedLog, type Shown, showing } from "./published-log.ts";
import { Recorder } from "./sequencing/recorder.ts";
import { type BatchLines, type PublishOutcome, Sequencer } from "./sequencing/sequencer.ts";
import { StatusIssuer } from "./sequencing/status-issuer.ts";
import type { ServedLog } from "./served-log.ts";
import type { Loaded } from "./start-checks.ts";
import { Prover } from "./tree/prover.ts";

export class Log implements ServedLog {
  readonly read: PublishedLog;
  /** What is shown here is what is written here. */
  readonly isBehind = false;
  readonly #config: LogConfig;
  readonly #recorder: Recorder;
  readonly #checkpointer: Checkpointer;
  readonly #publication: Publication;
  readonly #sequencer: Sequencer;
  readonly #prover: Prover;
  readonly #issuer: StatusIssuer | null;
  readonly #index: LogIndex | undefined;
  readonly #ticker: NodeJS.Timeout;
  readonly #publishing = new Set<Promise<unknown>>();
  #finished: Promise<void> | null = null;

  private constructor(config: LogConfig, loaded: Loaded, { publication, read, index }: Shown) {
    const { reader, writer, statusSigner, clock, observer = NO_OBSERVER } = config;
    const { logger } = observer;
    const { tree, state, signed } = loaded;
    const limits = { ...DEFAULT_LIMITS, ...config.limits };
    const indexRoot = (size: number) => index?.rootAt(size);
    const recorder = new Recorder({ reader, writer, tree, state, observer, indexRoot });
    // What is signed may be ahead of what is published, and neither sees the tree that is being committed.
    const prover = new Prover(reader, () => recorder.edge);
    const checkpointer = new Checkpointer({ ...config, prover, signed, logger });
    const issuer = statusSigner ? new StatusIssuer(statusSigner, clock) : null;
    this.#config = config;
    this.#recorder = recorder;
    this.#checkpointer = checkpointer;
    this.#prover = prover;
    this.#issuer = issuer;
    this.#index = index;
    this.#publication = publication;
    this.#sequencer = new Sequencer({
      reader,
      writer,
      recorder,
      checkpointer,
      publication,
      issuer,
      index,
      clock,
      limits,
      observer,
      arrivals: config.arrivals,
    });
    this.read = read;
    this.#ticker = setInterval(() => this.runDueWork(), limits.tickMs);
    this.#ticker.unref();
  }

  /** For openLog and createLog. */
  static async start(config: LogConfig, loaded: Loaded): Promise<Log> {
    const { logger } = config.observer ?? NO_OBSERVER;
    const index: LogIndex | undefined =
      config.index &&
      new LogIndex(config.index, {
        store: config.reader,
        logger,
        rootAt: (size) => log.rootAt(size),
        registered: () => log.registered,
        published: () => log.read.inForce,
        issues: () => log.issuesStatuses,
      });
    const log: Log = new Log(config, loaded, showing(config.reader, loaded.published, index));
    await log.#sequencer.resume();
    await index?.start();
    log.runDueWork();
    return log;
  }

  /**
   * For a node: the log is led from here, and what is published is shown where the node shows it.
   * @throws StartRefusedError "database-behind" where witnesses have seen more.
   */
  static async lead(config: LogConfig, loaded: Loaded, shown: Shown): Promise<Log> {
    const log = new Log(config, loaded, shown);
    try {
      if (loaded.mark !== null) await log.#checkpointer.ask(loaded.mark, loaded.state);
      if (loaded.published !== null) shown.publication.offer(loaded.published);
      await log.#sequencer.resume();
    } catch (error) {
      clearInterval(log.#ticker);
      throw error;
    }
    config.writer.lost.addEventListener("abort", () => log.stepDown(config.writer.lost.reason as Error));
    if (config.writer.lost.aborted) log.stepDown(config.writer.lost.reason as Error);
    return log;
  }

  /**
   * Publishes envelopes together, in their order: all of them, or none. Every signature is verified; a payload that is in the log
   * already is answered from there, whatever its signatures. Resolves when they are durable and, unless the quorum is late, cosigned.
   * @param lines envelopes, each followed at some place by the attachments that it names and the log does not have: they become
   *   durable in its transaction, or not at all. Lines that still arrive are checked as they come, and the first that is refused ends
   *   the reading.
   * @returns one outcome for each envelope.
   * @throws PolicyError with a RefusalCode, VerificationError "signature-unknown-key" | "signature-invalid", MalformedError for a
   *   trust root whose keys are no keys, or "batch" for an attachment that nothing names; unless it is one envelope in an array,
   *   BatchRefusedError around any of them. LogUnavailableError.
   */
  async publish(lines: BatchLines): Promise<PublishOutcome[]> {
    if (this.#finished !== null) throw new LogUnavailableError("shutting-down", "the service is stopping");
    const publishing = this.#sequencer.publish(lines);
    this.#publishing.add(publishing);
    try {
      return await publishing;
    } catch (error) {
      const isAlone = Array.isArray(lines) && lines.length === 1;
      throw isAlone && error instanceof BatchRefusedError ? error.cause : error;
    } finally {
      this.#publishing.delete(publishing);
    }
  }

  /** Does what time has made due. The log calls it by itself; a test with a clock of its own may, too. */
  runDueWork(): void {
    this.#sequencer.runDueWork();
  }

  get registered(): InForce {
    return this.#recorder.state.inForce;
  }

  /** Why the log takes no entries now, or null. */
  unavailable(): LogUnavailableError | null {
    if (this.#finished !== null) return new LogUnavailableError("shutting-down", "the service is stopping");
    return this.#sequencer.unavailable;
  }

  /** Why an entry that is sent now would not get into the log, or null. Unlike `unavailable` it refuses nothing by itself. */
  impediment(): LogUnavailableError | null {
    return this.unavailable() ?? this.#sequencer.impediment;
  }

  /** The root of the durable tree when it had `size` entries. */
  rootAt(size: number): Promise<Uint8Array> {
    return this.#prover.rootAt(size);
  }

  /** Whether statuses are issued here, so that what they state of the index is over everything durable. */
  get issuesStatuses(): boolean {
    return this.#issuer?.isAllowed(this.registered) === true;
  }

  get indexSize(): number | null {
    return this.#index?.size ?? null;
  }

  get pending(): number {
    return this.#sequencer.pending;
  }

  onPublished(listener: (published: Published) => void): () => void {
    return this.#publication.onPublished(listener);
  }

  /** Takes nothing new: another process leads. What is under way is answered with that, and sent again it is answered from the log. */
  stepDown(cause: Error): void {
    this.#recorder.stop(
      new LogUnavailableError("no-leader", `this process does not lead the log any more: ${cause.message}`, {
        cause,
      }),
    );
  }

  /** Aborted once nothing more is taken, for a reason that is not the closing. */
  get over(): AbortSignal {
    return this.#recorder.over;
  }

  /** Takes nothing new, and finishes what was accepted. The store and the high-water mark stay open. */
  finish(): Promise<void> {
    this.#finished ??= this.#finish();
    return this.#finished;
  }

  /** The same, and releases the store. */
  async close(): Promise<void> {
    await this.finish();
    this.#publication.close();
    await Promise.allSettled(this.#publishing);
    const { highWater, reader, writer } = this.#config;
    await this.#index?.close();
    await highWater.close();
    await reader.close();
    await writer.close();
  }

  async #finish(): Promise<void> {
    clearInterval(this.#ticker);
    while (this.#sequencer.pending > 0) await Promise.race(this.#publishing).catch(() => undefined);
    await this.#sequencer.close();
  }
}
