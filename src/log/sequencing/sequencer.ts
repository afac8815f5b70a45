// Takes entries from request to answer. Three stories, each told from top to bottom: `publish` is the request's, `#sequenceBatch` the
// batch's, `#publishCheckpoint` the checkpoint's. Batches and checkpoints are made one at a time each and beside each other, since the
// disk takes milliseconds and witnesses take seconds. The stages are those of docs/architecture.md, "What happens to an entry".

import { setTimeout as sleep } from "node:timers/promises";
import { nativeSha256 } from "../../node/sha256.ts";
import { KeyRing } from "../../protocol/cryptography/key-ring.ts";
import { type Envelope, parseLeaf } from "../../protocol/envelope/dsse.ts";
import type { Statement } from "../../protocol/envelope/statement.ts";
import { hashLeaf } from "../../protocol/merkle/hash.ts";
import type { Checkpoint } from "../../protocol/note/checkpoint.ts";
import { isAheadOfClock } from "../../protocol/registration/document-times.ts";
import { type Checkpointer, trustRootOf } from "../checkpointing/checkpointer.ts";
import { LogBehindError } from "../checkpointing/cosigner.ts";
import type { Publication, Published } from "../checkpointing/publication.ts";
import { QuorumNotMetError } from "../checkpointing/quorum.ts";
import type { LogLimits } from "../config.ts";
import { LeadershipLostError, LogUnavailableError, MarkMovedError } from "../errors.ts";
import type { LogIndex } from "../index/log-index.ts";
import type { Observer } from "../observer.ts";
import type { LogReader, LogWriter, PublishedCheckpoint } from "../store/log-store.ts";
import { readLeaf } from "../store/read-leaf.ts";
import { Admission } from "./admission.ts";
import { BatchQueue, type Group } from "./batch-queue.ts";
import { IndexOfStatuses } from "./index-of-statuses.ts";
import type { PendingBatch, Sequenced } from "./pending-batch.ts";
import { type BatchLine, ReceivedBatch } from "./received-batch.ts";
import type { Recorder } from "./recorder.ts";
import type { StatusIssuer } from "./status-issuer.ts";

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

/** The lines of a request: here already, or still arriving. */
export type BatchLines = readonly BatchLine[] | AsyncIterable<BatchLine>;

export interface SequencerConfig {
  readonly reader: LogReader;
  readonly writer: LogWriter;
  readonly recorder: Recorder;
  readonly checkpointer: Checkpointer;
  readonly publication: Publication;
  readonly issuer: StatusIssuer | null;
  /** Of a process that has a file for it. */
  readonly index?: LogIndex | undefined;
  readonly clock: () => Date;
  readonly limits: LogLimits;
  readonly observer: Observer;
  /** As in LogConfig. */
  readonly arrivals?: (() => number) | undefined;
}

export class Sequencer {
  readonly #config: SequencerConfig;
  readonly #admission: Admission;
  readonly #keys = new KeyRing();
  readonly #queue: BatchQueue;
  readonly #indexes: IndexOfStatuses;
  readonly #closing = new AbortController();
  /** The loops, while they run. */
  #batches: Promise<void> | null = null;
  #checkpoints: Promise<void> | null = null;
  /** Whether the status issuer should be asked though nothing is queued. */
  #woken = false;
  /** Why the newest publication could not be written, or null. */
  #unwritten: LogUnavailableError | null = null;
  /** When the oldest tree became durable that waits for its checkpoint, milliseconds; and what the last attempt at it lacked. */
  #pendingSince: number | null = null;
  #lacking = "too few witnesses have cosigned";
  /** The checkpoint that was stored last, and what adds to it the cosignatures that come after the quorum. */
  #newest: Checkpoint | null = null;
  #late: Promise<void> = Promise.resolve();

  constructor(config: SequencerConfig) {
    this.#config = config;
    this.#admission = new Admission(config.limits);
    this.#queue = new BatchQueue(config.arrivals);
    this.#indexes = new IndexOfStatuses(config.index, config.recorder, config.observer);
  }

  /** The request's story. What it throws is written at `Log.publish`. */
  async publish(lines: BatchLines): Promise<PublishOutcome[]> {
    const { reader, publication, limits } = this.#config;
    // What is here is admitted before any work is done for it; what still arrives, once all of it is good.
    let release = Symbol.asyncIterator in lines ? null : this.#admission.reserve(lines.filter(isEnvelope));
    try {
      // RECEIVED: checked here, queued, decided with its batch. A crash forgets it, and sending it again is always safe.
      const received = await this.#receive(lines);
      const { envelopes, logged } = received;
      release ??= this.#admission.reserve(envelopes);
      const isKnown = logged.every((index) => index !== undefined);
      const sequenced = isKnown
        ? logged.map((index): Sequenced => ({ outcome: "known", index: index as number }))
        : await this.#enqueue(received);
      // RECORDED, by #sequenceBatch: the entries have their indexes for ever, whether anybody is told or not.
      release();
      // INCLUDED and COSIGNED, by #publishCheckpoint, unless the quorum is late.
      const last = Math.max(...sequenced.map(({ index }) => index));
      const state = (await publication.covers(last, limits.publishWaitMs))
        ? "published"
        : "awaiting-cosignature";
      // ANSWERED, with what is in the log.
      return await Promise.all(
        sequenced.map(async (one) => {
          const { leaf, leafHash } = await hashedLeaf(reader, one);
          return { outcome: one.outcome, index: one.index, leaf, leafHash, state } as const;
        }),
      );
    } finally {
      release?.();
    }
  }

  /** The batch's story: what queued while the one before was recorded. */
  async #sequenceBatch(): Promise<void> {
    const { recorder, clock } = this.#config;
    await this.#queue.gather();
    this.#woken = false;
    const groups = this.#queue.take();
    try {
      const envelopes = groups.flatMap((group) => group.envelopes);
      await this.#indexes.reach(envelopes);
      // Each entry is decided at the index it would get; a status follows what changes, in the same batch. Nothing has happened yet.
      const batch = await recorder.begin(envelopes);
      const answers = groups.map((group) => decide(batch, group, clock()));
      await this.#addStatus(batch);
      // When this throws, nothing was recorded; where that cannot be known, this log is over, and whoever leads next finds out.
      await recorder.record(batch);
      // POINT OF NO RETURN: RECORDED. One synced transaction holds the entries, their indexes, their tiles and the tree head. Whatever
      // happens from here on, they stay where they are, and a start publishes what is durable.
      for (const { envelope } of batch.accepted) await this.#observe(envelope.statement);
      this.#config.index?.wake();
      this.#startCheckpoints();
      // Refusals, too, are answered only now: an entry of this batch may be what they name.
      for (const answer of answers) answer();
    } catch (error) {
      for (const { reject } of groups) reject(error);
    }
  }

  /** The checkpoint's story: the newest durable tree, with what several batches may have added to it. */
  async #publishCheckpoint(signal: AbortSignal): Promise<void> {
    const { recorder, checkpointer, writer, publication, observer, clock } = this.#config;
    const { head, inForce } = recorder.state;
    const { edge } = recorder;
    const begun = performance.now();
    const signed = await checkpointer.sign({ head, inForce });
    // Nobody has seen the signature. When this throws, the same tree or a larger one is signed next.
    await this.#written("the high-water mark", checkpointer.mark(signed));
    observer.measure("sign-ms", performance.now() - begun);
    // POINT OF NO RETURN: INCLUDED. The high-water mark is on disk, outside the database: no other tree of this size is ever signed, and
    // a log that has lost an entry of this one refuses to start. Only now may others see the signature.
    const asked = performance.now();
    const gathering = checkpointer.cosign(signed, inForce, signal);
    const { value: cosigned } = await gathering.next();
    if (cosigned === undefined) throw new TypeError("gathering ends with a quorum or with an error");
    observer.measure("cosign-ms", performance.now() - asked);
    this.#newest = signed.checkpoint;
    await this.#written("the checkpoint", writer.addCheckpoint(cosigned));
    // POINT OF NO RETURN: COSIGNED. Readers and those who wait see it from here on; a policy, revocation or trust root is IN FORCE for
    // verifiers as soon as the status that summarises it is below, which the batch that recorded it has seen to.
    publication.publish({ checkpoint: signed.checkpoint, ...shown(cosigned), inForce, edge });
    this.#pendingSince = this.#isPending() ? clock().getTime() : null;
    this.#unwritten = null;
    this.#late = this.#addLate(gathering, signed.checkpoint);
  }

  /**
   * Publishes a checkpoint again with each cosignature that comes after the quorum. What was shown before holds as it did; a newer
   * checkpoint ends this, since those who are late with one are asked for the next.
   */
  async #addLate(gathering: AsyncIterable<PublishedCheckpoint>, checkpoint: Checkpoint): Promise<void> {
    const { writer, publication } = this.#config;
    try {
      for await (const cosigned of gathering) {
        const { newest } = publication;
        if (newest === null || this.#newest !== checkpoint) return;
        await writer.addCheckpoint(cosigned);
        if (publication.newest === newest) publication.publish({ ...newest, ...shown(cosigned) });
      }
    } catch (error) {
      if (isEnd(error)) this.#stop(error);
      else this.#config.observer.logger.warn({ err: error }, "late cosignatures could not be added");
    }
  }

  /** Waits for a write of a publication. It is tried again, and until then whoever asks is told that this log cannot write. */
  async #written(what: string, write: Promise<void>): Promise<void> {
    try {
      await write;
    } catch (cause) {
      this.#unwritten = new LogUnavailableError("storage-failed", `${what} could not be written`, { cause });
      throw cause;
    }
  }

  async #receive(lines: BatchLines): Promise<ReceivedBatch> {
    const { reader, recorder } = this.#config;
    const received = new ReceivedBatch({
      store: reader,
      keys: this.#keys.lookup,
      providers: this.#keys.providers,
      inForce: recorder.state.inForce,
      unavailable: (envelope) => this.#unavailableFor(envelope),
    });
    for await (const line of lines) await received.add(line);
    await received.settle();
    return received;
  }

  #unavailableFor(envelope: Envelope): LogUnavailableError | null {
    const { unavailable } = this;
    return unavailable !== null && mayEnd(unavailable, envelope) ? null : unavailable;
  }

  async #enqueue(received: ReceivedBatch): Promise<Sequenced[]> {
    const { envelopes, attached } = received;
    try {
      return await new Promise((resolve, reject) => {
        this.#queue.add({ envelopes, attached, resolve, reject });
        this.#startBatches();
      });
    } catch (error) {
      throw received.refusalOf(error);
    }
  }

  async #addStatus(batch: PendingBatch): Promise<void> {
    try {
      const status = await this.#config.issuer?.next(batch.inForce, () => this.#indexes.draw(batch));
      if (status) batch.accept([status], null);
    } catch (error) {
      // What was published counts without it; verifiers see an old status until the next one succeeds.
      this.#config.observer.logger.error({ err: error }, "no status could be issued");
    }
  }

  /** Takes note of an entry that is in the log. */
  async #observe(statement: Statement): Promise<void> {
    if (statement.kind === "trust-root") await this.#keys.add(statement.predicate.keys);
    if (statement.kind === "identity-keys") await this.#keys.addProvider(statement.predicate);
    this.#config.issuer?.observe(statement);
  }

  /** Called when something was queued, or a status is due. */
  #startBatches(): void {
    this.#batches ??= this.#sequenceBatches();
  }

  /** It ends in the same turn in which it finds nothing to do, so that whoever queues something after that starts it anew. */
  async #sequenceBatches(): Promise<void> {
    do await this.#sequenceBatch();
    while (!this.#queue.isEmpty || this.#woken);
    this.#batches = null;
  }

  #startCheckpoints(): void {
    if (this.#isEnding || !this.#isCheckpointDue()) return;
    if (this.#isPending()) this.#pendingSince ??= this.#config.clock().getTime();
    this.#checkpoints ??= this.#publishCheckpoints();
  }

  /** Publishes for as long as something is due; after a failure it waits, ever longer. It ends as #sequenceBatches does. */
  async #publishCheckpoints(): Promise<void> {
    const { signal } = this.#closing;
    const { cosignTimeoutMs, retryMs } = this.#config.limits;
    let failures = 0;
    do {
      try {
        await this.#publishCheckpoint(AbortSignal.any([signal, AbortSignal.timeout(cosignTimeoutMs)]));
        failures = 0;
      } catch (error) {
        if (this.#config.recorder.stopped !== null) break;
        if (isEnd(error)) {
          this.#stop(error);
          break;
        }
        this.#warn(error);
        await sleep(Math.min(50 * 2 ** failures++, retryMs), null, { signal }).catch(() => null);
      }
    } while (this.#isCheckpointDue() && !this.#isEnding);
    this.#checkpoints = null;
  }

  /** Whether nothing more should be begun. */
  get #isEnding(): boolean {
    return this.#closing.signal.aborted || this.#config.recorder.stopped !== null;
  }

  /** Whether durable entries wait for a checkpoint. */
  #isPending(): boolean {
    return this.#config.recorder.state.head.size > this.#config.publication.size;
  }

  /** Whether there is something to publish, or the cosignatures of what is published grow old or are ahead of the clock. */
  #isCheckpointDue(): boolean {
    const { recorder, publication, clock, limits } = this.#config;
    const { newest } = publication;
    if (newest === null || this.#isPending()) return recorder.state.head.size > 0;
    if (isAheadOfClock(newest.cosignedAt, clock())) return true;
    const age = clock().getTime() - newest.cosignedAt.getTime();
    const quarter = (trustRootOf(newest.inForce).root.maxCheckpointAge * 1000) / 4;
    return age >= Math.min(limits.renewAfterMs, quarter);
  }

  readonly #warn = (error: unknown): void => {
    if (error instanceof QuorumNotMetError) this.#lacking = error.message;
    this.#config.observer.logger.warn({ err: error }, "no checkpoint could be published; it is tried again");
  };

  #stop(cause: Error): void {
    const { observer, recorder } = this.#config;
    if (cause instanceof LogBehindError) {
      observer.logger.error({ err: cause }, "the log stops: going on would contradict what it has signed");
      recorder.stop(new LogUnavailableError("log-stopped", cause.message, { cause }));
    } else
      recorder.stop(
        new LogUnavailableError("no-leader", `another process leads the log: ${cause.message}`, { cause }),
      );
  }

  /** Takes up what a start has found: the keys of trust roots and providers, and the newest status. */
  async resume(): Promise<void> {
    const { recorder, reader } = this.#config;
    const { trustRoots, identityKeys, status } = recorder.state.inForce;
    for (const { root } of trustRoots) await this.#keys.add(root.keys);
    for (const { keys } of identityKeys) await this.#keys.addProvider(keys);
    if (status !== null) await this.#observe(parseLeaf(await readLeaf(reader, status.index)).statement);
  }

  /** Does what time has made due: a checkpoint whose cosignatures grow old, a status that does. */
  runDueWork(): void {
    const { recorder, issuer } = this.#config;
    this.#startCheckpoints();
    void recorder.probe();
    if (issuer?.isDue(recorder.state.inForce) !== true || recorder.stopped !== null) return;
    this.#woken = true;
    this.#startBatches();
  }

  /** Why no new entries are taken, or null. */
  get unavailable(): LogUnavailableError | null {
    const { recorder, clock, limits } = this.#config;
    if (recorder.stopped !== null) return recorder.stopped;
    if (this.#pendingSince === null || clock().getTime() - this.#pendingSince <= limits.quorumLostMs)
      return null;
    return new LogUnavailableError(
      "quorum-lost",
      `${this.#lacking}, so no entries are taken until they do, but for a trust root that names other witnesses`,
    );
  }

  /** Why entries would not get in now, or null: also when nothing but trying can tell that writing works again. */
  get impediment(): LogUnavailableError | null {
    return this.unavailable ?? this.#config.recorder.failing ?? this.#unwritten;
  }

  /** Entries that were let in and are neither recorded nor refused yet. */
  get pending(): number {
    return this.#admission.pending;
  }

  /** Finishes what is queued, and publishes what is durable if that succeeds at once. */
  async close(): Promise<void> {
    while (this.#batches !== null) await this.#batches;
    this.#closing.abort(new Error("the log is shutting down"));
    await this.#checkpoints;
    if (this.#isPending() && this.#config.recorder.stopped === null) {
      const published = new AbortController();
      const timeout = AbortSignal.timeout(this.#config.limits.cosignTimeoutMs);
      await this.#publishCheckpoint(AbortSignal.any([published.signal, timeout])).catch(this.#warn);
      published.abort();
    }
    await this.#late;
  }
}

/** Whether nothing that this log signs may be shown any more. */
function isEnd(error: unknown): error is Error {
  return [LogBehindError, LeadershipLostError, MarkMovedError].some((kind) => error instanceof kind);
}

/** Whether an entry may end what keeps the log from taking others: a trust root names witnesses that do answer. */
function mayEnd({ code }: LogUnavailableError, { statement }: Envelope): boolean {
  return code === "quorum-lost" && statement.kind === "trust-root";
}

function shown({ note, cosignedAt }: PublishedCheckpoint): Pick<Published, "note" | "cosignedAt"> {
  return { note, cosignedAt: new Date(cosignedAt * 1000) };
}

/** Of a known entry, the leaf that is in the log, whatever was sent. */
async function hashedLeaf(
  reader: LogReader,
  sequenced: Sequenced,
): Promise<Pick<PublishOutcome, "leaf" | "leafHash">> {
  if (sequenced.outcome === "new") {
    const { envelope, leafHash } = sequenced.entry;
    return { leaf: envelope.leaf, leafHash };
  }
  const leaf = await readLeaf(reader, sequenced.index);
  return { leaf, leafHash: hashLeaf(leaf, nativeSha256) };
}

function isEnvelope(line: BatchLine): line is Envelope {
  return !(line instanceof Uint8Array);
}

/** Decides one group. @returns what answers the request that waits for it, once the batch is durable. */
function decide(batch: PendingBatch, { envelopes, attached, resolve, reject }: Group, now: Date): () => void {
  try {
    const sequenced = batch.accept(envelopes, now, attached);
    return () => resolve(sequenced);
  } catch (error) {
    return () => reject(error);
  }
}
