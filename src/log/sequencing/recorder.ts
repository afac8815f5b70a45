// Records batches: one compare-and-swap on the tree size makes a batch durable, so nothing can have changed since it was decided.
import { equalBytes } from "../../protocol/encoding/bytes.ts";
import type { VerifiedEnvelope } from "../../protocol/envelope/dsse.ts";
import { digestsOf } from "../../protocol/lookup/term.ts";
import { tokenIdOf } from "../../protocol/registration/identities.ts";
import type { InForce } from "../../protocol/registration/in-force.ts";
import { ConflictError, LeadershipLostError, LogUnavailableError, UnknownOutcomeError } from "../errors.ts";
import type { Observer } from "../observer.ts";
import type { LogReader, LogWriter, NewEntry, TreeHead } from "../store/log-store.ts";
import { GrowingTree, type TreeEdge } from "../tree/growing-tree.ts";
import type { Roots } from "./batch-view.ts";
import { PendingBatch } from "./pending-batch.ts";

/** The durable log at one moment. */
export interface LogState {
  readonly head: TreeHead;
  readonly inForce: InForce;
}

export interface RecorderConfig {
  readonly reader: LogReader;
  readonly writer: LogWriter;
  readonly tree: GrowingTree;
  /** Of that tree. */
  readonly state: LogState;
  readonly observer: Observer;
  /** As in Roots. */
  readonly indexRoot: Roots["index"];
}

export class Recorder {
  readonly #config: RecorderConfig;
  /** While a batch is being recorded it is ahead of what is durable; nobody else sees it. */
  #tree: GrowingTree;
  #state: LogState;
  #edge: TreeEdge;
  readonly #stopped = new AbortController();
  #failing: LogUnavailableError | null = null;

  constructor(config: RecorderConfig) {
    this.#config = config;
    this.#tree = config.tree;
    this.#edge = config.tree.edge();
    this.#state = config.state;
  }

  /** What is durable. */
  get state(): LogState {
    return this.#state;
  }

  /** The right edge of the tree that is durable. */
  get edge(): TreeEdge {
    return this.#edge;
  }

  /** Why nothing more is recorded, or null. */
  get stopped(): LogUnavailableError | null {
    return this.#stopped.signal.aborted ? (this.#stopped.signal.reason as LogUnavailableError) : null;
  }

  /** Aborted with that reason. */
  get over(): AbortSignal {
    return this.#stopped.signal;
  }

  /** Why the newest batch could not be written, or null. More are taken all the same: one of them may find that there is room. */
  get failing(): LogUnavailableError | null {
    return this.#failing;
  }

  /** Finds out whether writing works again, where it did not. */
  async probe(): Promise<void> {
    if (this.#failing === null) return;
    try {
      await this.#config.writer.probe();
      this.#failing = null;
    } catch {
      // It is asked again.
    }
  }

  stop(reason: LogUnavailableError): void {
    this.#stopped.abort(reason);
  }

  /** Begins a batch of these envelopes on top of what is durable. One batch is under way at a time. */
  async begin(envelopes: readonly VerifiedEnvelope[]): Promise<PendingBatch> {
    if (this.stopped !== null) throw this.stopped;
    const { reader, indexRoot } = this.#config;
    return PendingBatch.begin(reader, this.#state.inForce, this.#tree, envelopes, indexRoot);
  }

  /**
   * Records what the batch has accepted. It is durable once this resolves.
   * @throws LogUnavailableError "storage-failed": nothing of it happened; "no-leader": that is not known here, and nothing more is recorded.
   */
  async record({ accepted, inForce }: PendingBatch): Promise<void> {
    if (accepted.length === 0) return;
    const { writer, observer } = this.#config;
    const { size } = this.#state.head;
    for (const { leafHash } of accepted) this.#tree.append(leafHash);
    const head = { size: this.#tree.size, root: this.#tree.root() };
    const entries = accepted.map(({ envelope }, i) => newEntry(envelope, size + i));
    const attachments = accepted.flatMap((entry) => entry.attachments);
    const start = performance.now();
    try {
      await writer.append(size, { entries, attachments, tiles: this.#tree.takeWrites(), head });
    } catch (error) {
      await this.#recoverFrom(error, head, size);
    }
    this.#failing = null;
    observer.measure("commit-ms", performance.now() - start);
    observer.measure("batch-size", entries.length);
    this.#state = { head, inForce };
    this.#edge = this.#tree.edge();
  }

  /** Finds out what a failed append did. Returns when it is durable after all, throws when it did not happen, or when others must find out. */
  async #recoverFrom(error: unknown, wanted: TreeHead, size: number): Promise<void> {
    const { reader } = this.#config;
    try {
      if (isOver(error)) throw error;
      const head = await reader.head();
      if (head.size === wanted.size && equalBytes(head.root, wanted.root)) return;
      if (head.size !== size) throw error;
      this.#tree = await GrowingTree.load(reader, head);
    } catch (cause) {
      const text = "the log is changing hands, or its store does not answer; send the entries again";
      this.stop(new LogUnavailableError("no-leader", text, { cause }));
      throw this.stopped;
    }
    const text = "the entries could not be stored; nothing was added";
    this.#failing = new LogUnavailableError("storage-failed", text, { cause: error });
    throw this.#failing;
  }
}

/** Whether somebody else may write by now: what became of the append is found out by whoever takes over. */
function isOver(error: unknown): boolean {
  const over = [ConflictError, LeadershipLostError, UnknownOutcomeError];
  return over.some((kind) => error instanceof kind);
}

function newEntry(envelope: VerifiedEnvelope, index: number): NewEntry {
  const { leaf, payloadDigest, statement, signers } = envelope;
  const { kind, name, version } = statement;
  const tokens = envelope.tokens.map(tokenIdOf);
  return { index, leaf, payloadDigest, kind, name, version, signers, tokens, digests: digestsOf(envelope) };
}
