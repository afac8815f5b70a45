// The append-only log: what the service and the command line use. Reading it is in published-log.ts.

import { nativeSha256 } from "../node/sha256.ts";
import { KeyRing } from "../protocol/cryptography/key-ring.ts";
import { type Envelope, parseLeaf, type VerifiedEnvelope } from "../protocol/envelope/dsse.ts";
import { hashLeaf } from "../protocol/merkle/hash.ts";
import type { NoteSigner } from "../protocol/note/signed-note.ts";
import { logKeyOf } from "../protocol/note/tlog-policy.ts";
import { currentTrustRoot, type InForce } from "../protocol/registration/in-force.ts";
import { Checkpointer, type Published } from "./checkpointing/checkpointer.ts";
import type { HighWater } from "./checkpointing/high-water.ts";
import { DEFAULT_LIMITS, type LogConfig, type LogLimits } from "./config.ts";
import { LogUnavailableError, StartRefusedError } from "./errors.ts";
import { NO_OBSERVER, type Observer } from "./observer.ts";
import { PublishedLog } from "./published-log.ts";
import { Admission } from "./sequencing/admission.ts";
import { type LogState, type Sequenced, Sequencer } from "./sequencing/sequencer.ts";
import { StatusIssuer } from "./sequencing/status-issuer.ts";
import { findLogged, verifyBatch } from "./sequencing/verify-batch.ts";
import { type Loaded, loadLog } from "./start-checks.ts";
import type { LogStore } from "./store/log-store.ts";
import { Prover } from "./tree/prover.ts";

/** What happened to an entry that was sent. */
export interface PublishOutcome {
  /** "known": the same payload was in the log already. */
  readonly outcome: "new" | "known";
  readonly index: number;
  /** 32 bytes. */
  readonly leafHash: Uint8Array;
  /** The entry as it is in the log: for a known one with the signatures it was logged with. */
  readonly leaf: Uint8Array;
  /** "awaiting-cosignature": durable, but the quorum is late. Sending it again later gives "published". */
  readonly state: "published" | "awaiting-cosignature";
}

/**
 * Opens an existing log, publishes what a crash left unpublished, and keeps its checkpoint and status fresh until it is closed.
 * The store is closed with it.
 * @throws StartRefusedError
 */
export async function openLog(config: LogConfig): Promise<Log> {
  return closingOnRefusal(config.store, async () => {
    const loaded = await loadLog(config.store, config.highWater);
    const trustRoot = currentTrustRoot(loaded.state.inForce)?.root;
    if (trustRoot === undefined) {
      throw new StartRefusedError("log-empty", "the log is empty; create it with 'touchstone init'");
    }
    requireLogKey(config.signer, trustRoot.logPolicy);
    return Log.start(config, loaded);
  });
}

/**
 * Begins a log with its first trust root as entry 0. The store is closed with it.
 * @throws StartRefusedError "log-not-empty" | "wrong-log-key"; PolicyError, VerificationError where the trust root is not acceptable.
 */
export async function createLog(config: LogConfig, trustRoot: Envelope): Promise<Log> {
  const log = await closingOnRefusal(config.store, async () => {
    const loaded = await loadLog(config.store, config.highWater);
    if (loaded.state.head.size > 0) {
      throw new StartRefusedError("log-not-empty", "there is a log in this database already");
    }
    const { statement } = trustRoot;
    if (statement.kind === "trust-root") requireLogKey(config.signer, statement.predicate.logPolicy);
    return Log.start(config, loaded);
  });
  try {
    await log.publish([trustRoot]);
    return log;
  } catch (error) {
    await log.close();
    throw error;
  }
}

/** A log that does not start must not keep its database locked. */
async function closingOnRefusal(store: LogStore, start: () => Promise<Log>): Promise<Log> {
  try {
    return await start();
  } catch (error) {
    await store.close();
    throw error;
  }
}

function requireLogKey({ name, keyId }: NoteSigner, logPolicy: string): void {
  const named = logKeyOf(logPolicy);
  if (named.name === name && named.keyId === keyId) return;
  throw new StartRefusedError(
    "wrong-log-key",
    `the trust root names log key ${named.name}+${named.keyId}, the service was given ${name}+${keyId}`,
  );
}

export class Log extends PublishedLog {
  protected readonly store: LogStore;
  readonly #highWater: HighWater;
  readonly #limits: LogLimits;
  readonly #observer: Observer;
  readonly #keys = new KeyRing();
  readonly #admission: Admission;
  protected readonly prover: Prover;
  readonly #sequencer: Sequencer;
  readonly #checkpointer: Checkpointer;
  readonly #issuer: StatusIssuer | null;
  readonly #listeners = new Set<(published: Published) => void>();
  readonly #ticker: NodeJS.Timeout;
  readonly #pending = new Set<Promise<unknown>>();
  #closed: Promise<void> | null = null;

  private constructor(config: LogConfig, { tree, state, published, signed }: Loaded) {
    super();
    this.store = config.store;
    this.#highWater = config.highWater;
    this.#limits = { ...DEFAULT_LIMITS, ...config.limits };
    this.#observer = config.observer ?? NO_OBSERVER;
    this.#admission = new Admission(this.#limits);
    this.#issuer = config.statusSigner ? new StatusIssuer(config.statusSigner, config.clock) : null;
    const shared = { store: config.store, observer: this.#observer };
    const sequencer = new Sequencer({
      ...shared,
      tree,
      state,
      issuer: this.#issuer,
      onCommitted: this.#committed,
    });
    this.#sequencer = sequencer;
    this.prover = new Prover(config.store, () => sequencer.tree);
    this.#checkpointer = new Checkpointer({
      ...shared,
      ...config,
      observer: this.#observer,
      prover: this.prover,
      limits: this.#limits,
      state: () => sequencer.state,
      published,
      signed,
      onPublished: (now) => this.#announce(now),
      onFatal: (error) => this.#fail(error),
    });
    this.#ticker = setInterval(() => this.runDueWork(), this.#limits.tickMs);
    this.#ticker.unref();
  }

  /** For openLog and createLog. */
  static async start(config: LogConfig, loaded: Loaded): Promise<Log> {
    const log = new Log(config, loaded);
    const { inForce } = loaded.state;
    for (const { root } of inForce.trustRoots) await log.#keys.add(root.keys);
    if (inForce.status !== null) await log.#observeStatus(inForce.status.index);
    log.runDueWork();
    return log;
  }

  /**
   * Publishes envelopes together, in their order: all of them, or none. Every signature is verified; a payload that is in the log
   * already is answered from there, whatever its signatures. Resolves when they are durable and, unless the quorum is late, cosigned.
   * @throws PolicyError with a RefusalCode, VerificationError "signature-unknown-key" | "signature-invalid", MalformedError for a
   *   trust root whose keys are no keys; for several envelopes BatchRefusedError around any of them. LogUnavailableError.
   */
  async publish(envelopes: readonly Envelope[]): Promise<PublishOutcome[]> {
    if (this.#closed !== null) throw new LogUnavailableError("shutting-down", "the service is stopping");
    const publishing = this.#publish(envelopes);
    this.#pending.add(publishing);
    try {
      return await publishing;
    } finally {
      this.#pending.delete(publishing);
    }
  }

  async #publish(envelopes: readonly Envelope[]): Promise<PublishOutcome[]> {
    const release = this.#admission.reserve(envelopes);
    try {
      const logged = await findLogged(this.store, envelopes);
      const isKnown = logged.every((index) => index !== undefined);
      const sequenced = isKnown
        ? logged.map((index): Sequenced => ({ outcome: "known", index }))
        : await this.#sequence(envelopes, logged);
      release();
      return await this.#answer(envelopes, sequenced);
    } finally {
      release();
    }
  }

  async #sequence(
    envelopes: readonly Envelope[],
    logged: ReadonlyArray<number | undefined>,
  ): Promise<Sequenced[]> {
    if (this.#sequencer.stopped !== null) throw this.#sequencer.stopped;
    if (this.#checkpointer.quorumLost) {
      throw new LogUnavailableError(
        "quorum-lost",
        "too few witnesses answer, so no entries are taken until they do",
      );
    }
    return this.#sequencer.submit(await verifyBatch(envelopes, logged, this.#keys.lookup));
  }

  async #answer(envelopes: readonly Envelope[], sequenced: readonly Sequenced[]): Promise<PublishOutcome[]> {
    const last = Math.max(...sequenced.map(({ index }) => index));
    const published = await this.#checkpointer.waitUntilPublished(last, this.#limits.publishWaitMs);
    const state = published ? "published" : "awaiting-cosignature";
    return Promise.all(
      sequenced.map(async ({ outcome, index }, i) => {
        const sent = (envelopes[i] as Envelope).leaf;
        const leaf = outcome === "new" ? sent : await this.leafAt(index);
        return { outcome, index, leaf, leafHash: hashLeaf(leaf, nativeSha256), state } as const;
      }),
    );
  }

  readonly #committed = async (_state: LogState, entries: readonly VerifiedEnvelope[]): Promise<void> => {
    for (const { statement } of entries) {
      if (statement.kind === "trust-root") await this.#keys.add(statement.predicate.keys);
      this.#issuer?.observe(statement);
    }
    this.#checkpointer.advance();
  };

  #announce(published: Published): void {
    for (const listener of this.#listeners) listener(published);
  }

  #fail(cause: Error): void {
    this.#observer.logger.error(
      { err: cause },
      "the log stops: going on would contradict what it has signed",
    );
    this.#sequencer.stop(new LogUnavailableError("log-stopped", cause.message, { cause }));
  }

  /** Does what time has made due. The log calls it by itself; a test with a clock of its own may, too. */
  runDueWork(): void {
    this.#checkpointer.advance();
    this.#sequencer.requestStatus();
  }

  /** What is published, or null before the first checkpoint. */
  published(): Published | null {
    return this.#checkpointer.published;
  }

  /** What is in force after everything durable, the entries included that still wait for their checkpoint. */
  get registered(): InForce {
    return this.#sequencer.state.inForce;
  }

  /** Why the log takes no entries now, or null. */
  unavailable(): LogUnavailableError | null {
    if (this.#closed !== null) return new LogUnavailableError("shutting-down", "the service is stopping");
    if (this.#sequencer.stopped !== null) return this.#sequencer.stopped;
    return this.#checkpointer.quorumLost
      ? new LogUnavailableError("quorum-lost", "too few witnesses answer")
      : null;
  }

  /** Calls the listener after every publication. @returns what ends that. */
  onPublished(listener: (published: Published) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Takes nothing new, finishes what was accepted, and releases the store. */
  close(): Promise<void> {
    this.#closed ??= this.#finish();
    return this.#closed;
  }

  async #finish(): Promise<void> {
    clearInterval(this.#ticker);
    while (this.#admission.pending > 0) await Promise.race(this.#pending).catch(() => undefined);
    await this.#sequencer.idle();
    await this.#checkpointer.close();
    await Promise.allSettled(this.#pending);
    await this.#highWater.close();
    await this.store.close();
  }

  async #observeStatus(index: number): Promise<void> {
    this.#issuer?.observe(parseLeaf(await this.leafAt(index)).statement);
  }
}
