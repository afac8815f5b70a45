// Gives entries their index. What has queued while one commit ran forms the next batch; each is decided against the state at the
// index it would get, and one compare-and-swap on the tree size makes it durable, so nothing can have changed in between.

import { nativeSha256 } from "../../node/sha256.ts";
import { equalBytes } from "../../protocol/encoding/bytes.ts";
import type { VerifiedEnvelope } from "../../protocol/envelope/dsse.ts";
import { hashLeaf } from "../../protocol/merkle/hash.ts";
import type { InForce } from "../../protocol/registration/in-force.ts";
import { register } from "../../protocol/registration/register.ts";
import { BatchRefusedError, ConflictError, LogUnavailableError } from "../errors.ts";
import type { Observer } from "../observer.ts";
import { digestsOf } from "../store/entry-record.ts";
import type { Append, LogStore, NewEntry, TreeHead } from "../store/log-store.ts";
import { GrowingTree } from "../tree/growing-tree.ts";
import { BatchView } from "./batch-view.ts";
import type { StatusIssuer } from "./status-issuer.ts";

/** Entries and bytes after which a batch is committed though more is waiting: they bound the time of one transaction. */
const MAX_BATCH_ENTRIES = 512;
const MAX_BATCH_BYTES = 4 * 1024 * 1024;
/** Longest time for which a batch waits while more is arriving, milliseconds: what a few commits take. */
const MAX_GATHER_MS = 20;

/** Where an entry is in the log, and whether it was there before. */
export interface Sequenced {
  readonly outcome: "new" | "known";
  readonly index: number;
}

/** The durable log at one moment. */
export interface LogState {
  readonly head: TreeHead;
  readonly inForce: InForce;
}

/** Envelopes that are accepted together or not at all. */
interface Group {
  readonly envelopes: readonly VerifiedEnvelope[];
  readonly resolve: (sequenced: Sequenced[]) => void;
  readonly reject: (error: unknown) => void;
}

interface Accepted {
  readonly envelope: VerifiedEnvelope;
  readonly leafHash: Uint8Array;
}

export interface SequencerConfig {
  readonly store: LogStore;
  readonly tree: GrowingTree;
  readonly state: LogState;
  readonly issuer: StatusIssuer | null;
  readonly observer: Observer;
  /** Told of every commit, in order, before those who wait for it. */
  readonly onCommitted: (state: LogState, entries: readonly VerifiedEnvelope[]) => Promise<void>;
}

export class Sequencer {
  readonly #config: SequencerConfig;
  readonly #queue: Group[] = [];
  #tree: GrowingTree;
  #state: LogState;
  #running: Promise<void> | null = null;
  #stopped: LogUnavailableError | null = null;
  /** Whether the status issuer should be asked though nothing is queued. */
  #woken = false;

  constructor(config: SequencerConfig) {
    this.#config = config;
    this.#tree = config.tree;
    this.#state = config.state;
  }

  get state(): LogState {
    return this.#state;
  }

  /** The right edge; it may be ahead of the durable state by the batch that is being committed. */
  get tree(): GrowingTree {
    return this.#tree;
  }

  /** Why no more entries are taken, or null. */
  get stopped(): LogUnavailableError | null {
    return this.#stopped;
  }

  /**
   * Registers envelopes together, in their order. Resolves when they are durable.
   * @throws PolicyError of registration for one envelope, BatchRefusedError for several, LogUnavailableError.
   */
  submit(envelopes: readonly VerifiedEnvelope[]): Promise<Sequenced[]> {
    return new Promise((resolve, reject) => {
      if (this.#stopped !== null) return reject(this.#stopped);
      this.#queue.push({ envelopes, resolve, reject });
      this.#start();
    });
  }

  /** Asks the status issuer whether a status is due. */
  requestStatus(): void {
    if (this.#config.issuer?.isDue(this.#state.inForce) !== true || this.#stopped !== null) return;
    this.#woken = true;
    this.#start();
  }

  /** Takes no more entries and fails those that wait. */
  stop(reason: LogUnavailableError): void {
    this.#stopped ??= reason;
    for (const { reject } of this.#queue.splice(0)) reject(this.#stopped);
  }

  /** Resolves when nothing is queued. */
  async idle(): Promise<void> {
    while (this.#running !== null) await this.#running;
  }

  #start(): void {
    this.#running ??= this.#run().finally(() => {
      this.#running = null;
    });
  }

  async #run(): Promise<void> {
    while (this.#queue.length > 0 || this.#woken) {
      await this.#gather();
      this.#woken = false;
      const batch = this.#takeBatch();
      try {
        await this.#commit(batch);
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
  }

  /**
   * Turns the event loop for as long as that brings more to this batch: requests are read then, and signature checks land. A turn
   * accepts one connection, so a commit in each would let a crowd of new clients in as slowly as the disk syncs.
   */
  async #gather(): Promise<void> {
    const begun = performance.now();
    let before: number;
    do {
      before = this.#queue.length;
      await new Promise((resolve) => setImmediate(resolve));
    } while (
      this.#queue.length > before &&
      this.#queue.length < MAX_BATCH_ENTRIES &&
      performance.now() - begun < MAX_GATHER_MS
    );
  }

  #takeBatch(): Group[] {
    let entries = 0;
    let bytes = 0;
    let count = 0;
    while (count < this.#queue.length && entries < MAX_BATCH_ENTRIES && bytes < MAX_BATCH_BYTES) {
      const { envelopes } = this.#queue[count++] as Group;
      entries += envelopes.length;
      for (const { leaf } of envelopes) bytes += leaf.length;
    }
    this.#config.observer.measure("queue-depth", this.#queue.length);
    return this.#queue.splice(0, count);
  }

  async #commit(batch: readonly Group[]): Promise<void> {
    const accepted: Accepted[] = [];
    const view = await BatchView.load(
      this.#config.store,
      this.#state.inForce,
      batch.flatMap(({ envelopes }) => envelopes),
      () => this.#tree.rootWith(accepted.map(({ leafHash }) => leafHash)),
    );
    const settle = batch.map((group) => decide(group, view, accepted));
    await this.#addStatus(view, accepted);
    if (accepted.length > 0) await this.#append(accepted, view.inForce);
    for (const answer of settle) answer();
  }

  async #addStatus(view: BatchView, accepted: Accepted[]): Promise<void> {
    try {
      const status = await this.#config.issuer?.next(view.inForce);
      if (status) accept(status, view, accepted);
    } catch (error) {
      // What was published counts without it; verifiers see an old status until the next one succeeds.
      this.#config.observer.logger.error({ err: error }, "no status could be issued");
    }
  }

  async #append(accepted: readonly Accepted[], inForce: InForce): Promise<void> {
    const { store, observer, onCommitted } = this.#config;
    const { size } = this.#state.head;
    for (const { leafHash } of accepted) this.#tree.append(leafHash);
    const head = { size: this.#tree.size, root: this.#tree.root() };
    const entries = accepted.map(({ envelope }, i) => newEntry(envelope, size + i));
    const start = performance.now();
    try {
      await store.append(size, { entries, tiles: this.#tree.takeWrites(), head });
    } catch (error) {
      await this.#recoverFrom(error, { entries, tiles: [], head }, size);
    }
    observer.measure("commit-ms", performance.now() - start);
    observer.measure("batch-size", entries.length);
    this.#state = { head, inForce };
    await onCommitted(
      this.#state,
      accepted.map(({ envelope }) => envelope),
    );
  }

  /** Finds out what a failed append did. Returns when it is durable after all, throws when it did not happen. */
  async #recoverFrom(error: unknown, wanted: Append, size: number): Promise<void> {
    try {
      const head = await this.#config.store.head();
      if (head.size === wanted.head.size && equalBytes(head.root, wanted.head.root)) return;
      if (head.size !== size || error instanceof ConflictError) throw error;
      this.#tree = await GrowingTree.load(this.#config.store, head);
    } catch (cause) {
      this.stop(
        new LogUnavailableError("log-stopped", "the state of the store is not known; restart the service", {
          cause,
        }),
      );
      throw this.#stopped;
    }
    throw new LogUnavailableError("storage-failed", "the entries could not be stored; nothing was added", {
      cause: error,
    });
  }
}

/** Decides one group. @returns what to do with those who wait for it, once the batch is durable. */
function decide({ envelopes, resolve, reject }: Group, view: BatchView, accepted: Accepted[]): () => void {
  const undo = view.savepoint();
  const before = accepted.length;
  const sequenced: Sequenced[] = [];
  try {
    for (const envelope of envelopes) sequenced.push(accept(envelope, view, accepted));
    return () => resolve(sequenced);
  } catch (error) {
    accepted.length = before;
    undo();
    const refusal = envelopes.length === 1 ? error : new BatchRefusedError(sequenced.length, error as Error);
    return () => reject(refusal);
  }
}

function accept(envelope: VerifiedEnvelope, view: BatchView, accepted: Accepted[]): Sequenced {
  const registration = register(view, envelope);
  const { index } = registration.record;
  if (registration.outcome === "new") {
    accepted.push({ envelope, leafHash: hashLeaf(envelope.leaf, nativeSha256) });
    view.add(registration.record, registration.inForce);
  }
  return { outcome: registration.outcome, index };
}

function newEntry(envelope: VerifiedEnvelope, index: number): NewEntry {
  const { leaf, payloadDigest, statement, signers } = envelope;
  const { kind, name, version } = statement;
  return { index, leaf, payloadDigest, kind, name, version, signers, digests: digestsOf(envelope) };
}
