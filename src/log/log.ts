// Assembles the append-only log that the service and the command line use. How an entry gets into it is told in
// sequencing/sequencer.ts.
import { type InForce, NOTHING_IN_FORCE } from "../protocol/registration/in-force.ts";
import { Checkpointer } from "./checkpointing/checkpointer.ts";
import { Publication, type Published } from "./checkpointing/publication.ts";
import { DEFAULT_LIMITS, type LogConfig } from "./config.ts";
import { BatchRefusedError, LogUnavailableError } from "./errors.ts";
import { LogIndex } from "./index/log-index.ts";
import { NO_OBSERVER } from "./observer.ts";
import { PublishedLog } from "./published-log.ts";
import { Recorder } from "./sequencing/recorder.ts";
import { type BatchLines, type PublishOutcome, Sequencer } from "./sequencing/sequencer.ts";
import { StatusIssuer } from "./sequencing/status-issuer.ts";
import type { Loaded } from "./start-checks.ts";
import { Prover } from "./tree/prover.ts";

export class Log {
  /** Everything that is published. */
  readonly read: PublishedLog;
  readonly #config: LogConfig;
  readonly #recorder: Recorder;
  readonly #publication: Publication;
  readonly #sequencer: Sequencer;
  readonly #index: LogIndex | undefined;
  readonly #ticker: NodeJS.Timeout;
  readonly #publishing = new Set<Promise<unknown>>();
  #closed: Promise<void> | null = null;

  private constructor(config: LogConfig, { tree, state, published, signed }: Loaded) {
    const { store, statusSigner, clock, observer = NO_OBSERVER } = config;
    const { logger } = observer;
    const limits = { ...DEFAULT_LIMITS, ...config.limits };
    const indexRoot = (size: number): string | undefined => index?.rootAt(size);
    const recorder = new Recorder({ store, tree, state, observer, indexRoot });
    const publication = new Publication(published);
    // What is signed may be ahead of what is published, and neither sees the tree that is being committed.
    const prover = new Prover(store, () => recorder.edge);
    const checkpointer = new Checkpointer({ ...config, prover, signed, logger });
    const issuer = statusSigner ? new StatusIssuer(statusSigner, clock) : null;
    const index =
      config.index &&
      new LogIndex(config.index, {
        store,
        rootAt: (size) => prover.rootAt(size),
        registered: () => recorder.state.inForce,
        published: () => publication.newest?.inForce ?? NOTHING_IN_FORCE,
        issues: () => issuer?.isAllowed(recorder.state.inForce) === true,
        logger,
      });
    publication.onPublished(() => index?.wake());
    this.#config = config;
    this.#recorder = recorder;
    this.#index = index;
    this.#publication = publication;
    this.#sequencer = new Sequencer({
      store,
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
    this.read = new PublishedLog(
      store,
      new Prover(store, () => publication.newest?.edge ?? null),
      publication,
      index,
    );
    this.#ticker = setInterval(() => this.runDueWork(), limits.tickMs);
    this.#ticker.unref();
  }

  /** For openLog and createLog. */
  static async start(config: LogConfig, loaded: Loaded): Promise<Log> {
    const log = new Log(config, loaded);
    await log.#sequencer.resume();
    await log.#index?.start();
    log.runDueWork();
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
    if (this.#closed !== null) throw new LogUnavailableError("shutting-down", "the service is stopping");
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

  /** What is in force after everything durable, the entries included that still wait for their checkpoint. */
  get registered(): InForce {
    return this.#recorder.state.inForce;
  }

  /** Why the log takes no entries now, or null. */
  unavailable(): LogUnavailableError | null {
    if (this.#closed !== null) return new LogUnavailableError("shutting-down", "the service is stopping");
    return this.#sequencer.unavailable;
  }

  /** Why an entry that is sent now would not get into the log, or null. Unlike `unavailable` it refuses nothing by itself. */
  impediment(): LogUnavailableError | null {
    return this.unavailable() ?? this.#sequencer.impediment;
  }

  /** Entries that the index covers; null while this process keeps none. */
  get indexSize(): number | null {
    return this.#index?.size ?? null;
  }

  /** Entries that were let in and are neither recorded nor refused yet. */
  get pending(): number {
    return this.#sequencer.pending;
  }

  /** Calls the listener after every publication. @returns what ends that. */
  onPublished(listener: (published: Published) => void): () => void {
    return this.#publication.onPublished(listener);
  }

  /** Takes nothing new, finishes what was accepted, and releases the store. */
  close(): Promise<void> {
    this.#closed ??= this.#finish();
    return this.#closed;
  }

  async #finish(): Promise<void> {
    clearInterval(this.#ticker);
    while (this.#sequencer.pending > 0) await Promise.race(this.#publishing).catch(() => undefined);
    await this.#sequencer.close();
    await Promise.allSettled(this.#publishing);
    await this.#index?.close();
    await this.#config.highWater.close();
    await this.#config.store.close();
  }
}
