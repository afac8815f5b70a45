// Makes durable trees known: sign, write the high-water mark, gather cosignatures, keep, publish. One checkpoint is under way at a time
// and always of the newest durable tree; every size that is published has its tiles in the store already.
import { encodeHex } from "../../protocol/encoding/hex.ts";
import type { TrustRoot } from "../../protocol/entry/trust-root.ts";
import { type Checkpoint, formatCheckpoint } from "../../protocol/note/checkpoint.ts";
import { formatNote, type NoteSigner, parseNote, signNote } from "../../protocol/note/signed-note.ts";
import { currentTrustRoot, type InForce } from "../../protocol/registration/in-force.ts";
import type { Observer } from "../observer.ts";
import type { LogState } from "../sequencing/sequencer.ts";
import type { LogStore, PublishedCheckpoint } from "../store/log-store.ts";
import type { Prover } from "../tree/prover.ts";
import { type Cosigner, LogBehindError } from "./cosigner.ts";
import type { HighWater } from "./high-water.ts";
import { gatherQuorum, type Quorum, quorumOf } from "./quorum.ts";

export interface CheckpointerLimits {
  /** Milliseconds after which an attempt to gather the quorum is given up and begun again. */
  readonly cosignTimeoutMs: number;
  /** Milliseconds for which a tree may wait to be published before the log takes no more entries. */
  readonly quorumLostMs: number;
  /** Longest pause between two attempts, milliseconds. */
  readonly retryMs: number;
  /** Age of the cosignatures, in milliseconds, at which an idle log has them renewed; at most a quarter of maxCheckpointAge is taken. */
  readonly renewAfterMs: number;
}

/** What is published now. */
export interface Published {
  readonly checkpoint: Checkpoint;
  /** With its cosignatures. */
  readonly note: string;
  readonly cosignedAt: Date;
  /** What is in force at this size. */
  readonly inForce: InForce;
}

export interface CheckpointerConfig {
  readonly store: LogStore;
  readonly prover: Prover;
  readonly signer: NoteSigner;
  readonly cosigners: readonly Cosigner[];
  readonly highWater: HighWater;
  readonly clock: () => Date;
  readonly limits: CheckpointerLimits;
  readonly observer: Observer;
  /** The newest durable state. */
  readonly state: () => LogState;
  readonly published: Published | null;
  /** The checkpoint of the high-water mark, of which the start-up checks know that the tree extends it. */
  readonly signed: Checkpoint | null;
  readonly onPublished: (published: Published) => void;
  /** Going on would contradict what was signed. */
  readonly onFatal: (error: Error) => void;
}

interface Waiter {
  readonly index: number;
  readonly settle: (published: boolean) => void;
}

export class Checkpointer {
  readonly #config: CheckpointerConfig;
  readonly #closing = new AbortController();
  #published: Published | null;
  #signed: Checkpoint | null;
  #waiters: Waiter[] = [];
  #running: Promise<void> | null = null;
  #pendingSince: number | null = null;
  #quorum: { readonly digest: string; readonly quorum: Quorum } | null = null;

  constructor(config: CheckpointerConfig) {
    this.#config = config;
    this.#published = config.published;
    this.#signed = config.signed;
  }

  get published(): Published | null {
    return this.#published;
  }

  /** Whether a tree has waited for its checkpoint for too long. */
  get quorumLost(): boolean {
    const { clock, limits } = this.#config;
    return this.#pendingSince !== null && clock().getTime() - this.#pendingSince > limits.quorumLostMs;
  }

  /** There may be something to publish or to renew. */
  advance(): void {
    if (this.#closing.signal.aborted || !this.#isDue()) return;
    if (this.#isPending()) this.#pendingSince ??= this.#config.clock().getTime();
    this.#running ??= this.#run().finally(() => {
      this.#running = null;
    });
  }

  /** Whether entry `index` is published, now or within `waitMs` milliseconds. */
  waitUntilPublished(index: number, waitMs: number): Promise<boolean> {
    if (index < (this.#published?.checkpoint.size ?? 0)) return Promise.resolve(true);
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.#waiters = this.#waiters.filter((other) => other !== waiter);
        resolve(false);
      }, waitMs);
      const settle = (published: boolean) => {
        clearTimeout(timer);
        resolve(published);
      };
      const waiter: Waiter = { index, settle };
      this.#waiters.push(waiter);
    });
  }

  /** Publishes what is durable if that succeeds at once, then stops. */
  async close(): Promise<void> {
    this.#closing.abort(new Error("the log is shutting down"));
    await this.#running;
    if (this.#isPending())
      await this.#attempt(AbortSignal.timeout(this.#config.limits.cosignTimeoutMs)).catch(this.#warn);
    for (const { settle } of this.#waiters.splice(0)) settle(false);
  }

  #isPending(): boolean {
    return this.#config.state().head.size > (this.#published?.checkpoint.size ?? 0);
  }

  #isDue(): boolean {
    if (this.#published === null || this.#isPending()) return this.#config.state().head.size > 0;
    const { clock, limits } = this.#config;
    const quarter = (this.#trustRoot().root.maxCheckpointAge * 1000) / 4;
    return clock().getTime() - this.#published.cosignedAt.getTime() >= Math.min(limits.renewAfterMs, quarter);
  }

  async #run(): Promise<void> {
    const { signal } = this.#closing;
    for (let failures = 0; this.#isDue() && !signal.aborted; ) {
      try {
        await this.#attempt(
          AbortSignal.any([signal, AbortSignal.timeout(this.#config.limits.cosignTimeoutMs)]),
        );
        failures = 0;
      } catch (error) {
        if (error instanceof LogBehindError) return this.#config.onFatal(error);
        this.#warn(error);
        await pause(Math.min(50 * 2 ** failures++, this.#config.limits.retryMs), signal);
      }
    }
  }

  readonly #warn = (error: unknown): void => {
    this.#config.observer.logger.warn({ err: error }, "no checkpoint could be published; it is tried again");
  };

  async #attempt(signal: AbortSignal): Promise<void> {
    const { store, observer, prover, cosigners } = this.#config;
    const state = this.#config.state();
    const begun = performance.now();
    const { checkpoint, note } = await this.#sign(state);
    observer.measure("sign-ms", performance.now() - begun);
    const request = {
      checkpoint,
      note,
      consistencyFrom: (size: number) => prover.consistency(size, checkpoint.size),
    };
    const quorum = await this.#quorumOf(this.#trustRoot(state.inForce));
    const asked = performance.now();
    const { signatures, cosignedAt } = await gatherQuorum(
      cosigners,
      request,
      quorum,
      signal,
      observer.logger,
    );
    observer.measure("cosign-ms", performance.now() - asked);
    const parsed = parseNote(note);
    const cosigned = formatNote({ text: parsed.text, signatures: [...parsed.signatures, ...signatures] });
    const kept: PublishedCheckpoint = { size: checkpoint.size, cosignedAt, note: cosigned };
    await store.addCheckpoint(kept);
    this.#publish({
      checkpoint,
      note: cosigned,
      cosignedAt: new Date(cosignedAt * 1000),
      inForce: state.inForce,
    });
  }

  /** Signs the tree, which is durable, and remembers that outside the database before anyone else sees the signature. */
  async #sign({ head, inForce }: LogState): Promise<{ checkpoint: Checkpoint; note: string }> {
    const { signer, highWater, onFatal } = this.#config;
    const { root } = this.#trustRoot(inForce);
    const checkpoint = { origin: root.origin, size: head.size, root: head.root };
    const signed = this.#signed;
    if (signed !== null && contradicts(signed, checkpoint)) {
      const error = new Error(
        `the log has signed size ${signed.size} with root ${encodeHex(signed.root)} before`,
      );
      onFatal(error);
      throw error;
    }
    const note = await signNote(formatCheckpoint(checkpoint), [signer]);
    if (signed?.size !== checkpoint.size) await highWater.write(note);
    this.#signed = checkpoint;
    return { checkpoint, note };
  }

  #publish(published: Published): void {
    this.#published = published;
    this.#pendingSince = this.#isPending() ? this.#config.clock().getTime() : null;
    const { size } = published.checkpoint;
    const settled = this.#waiters.filter(({ index }) => index < size);
    this.#waiters = this.#waiters.filter(({ index }) => index >= size);
    this.#config.onPublished(published);
    for (const { settle } of settled) settle(true);
  }

  #trustRoot(inForce: InForce = this.#config.state().inForce): { digest: string; root: TrustRoot } {
    const current = currentTrustRoot(inForce);
    if (current === undefined) throw new Error("a log without a trust root has no checkpoint");
    return current;
  }

  async #quorumOf({ digest, root }: { digest: string; root: TrustRoot }): Promise<Quorum> {
    if (this.#quorum?.digest !== digest) this.#quorum = { digest, quorum: await quorumOf(root) };
    const { quorum } = this.#quorum;
    const { name, keyId } = this.#config.signer;
    if (!quorum.policy.logs.some(({ key }) => key.name === name && key.keyId === keyId)) {
      throw new Error(
        `the trust root in force does not name log key ${name}+${keyId}; restart with the key it names`,
      );
    }
    return quorum;
  }
}

/** A smaller tree, or another one of the same size. Larger ones extend it, since the tree only ever grows. */
function contradicts(signed: Checkpoint, next: Checkpoint): boolean {
  return (
    next.size < signed.size || (next.size === signed.size && encodeHex(next.root) !== encodeHex(signed.root))
  );
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", done, { once: true });
  });
}
