// Holds what waits to be recorded, and cuts it into batches.
import type { VerifiedEnvelope } from "../../protocol/envelope/dsse.ts";
import type { Attached, Sequenced } from "./pending-batch.ts";

/** Entries and bytes after which a batch is committed though more is waiting: they bound the time of one transaction. */
const MAX_BATCH_ENTRIES = 512;
const MAX_BATCH_BYTES = 4 * 1024 * 1024;
/** Longest time for which a batch waits while more is arriving, milliseconds: what a few commits take. */
const MAX_GATHER_MS = 20;

/** Envelopes that are accepted together or not at all, and the request that waits for them. */
export interface Group {
  readonly envelopes: readonly VerifiedEnvelope[];
  readonly attached: Attached;
  readonly resolve: (sequenced: Sequenced[]) => void;
  readonly reject: (error: unknown) => void;
}

export class BatchQueue {
  readonly #queue: Group[] = [];
  readonly #arrivals: () => number;
  readonly #now: () => number;

  /**
   * @param arrivals how many connections were accepted so far: each has something to say.
   * @param now milliseconds of a clock that never goes back.
   */
  constructor(arrivals: () => number = () => 0, now: () => number = () => performance.now()) {
    this.#arrivals = arrivals;
    this.#now = now;
  }

  get isEmpty(): boolean {
    return this.#queue.length === 0;
  }

  add(group: Group): void {
    this.#queue.push(group);
  }

  /**
   * Turns the event loop for as long as that brings more to this batch: requests are read then, and signature checks land. A turn
   * accepts one connection, so that those of a crowd are let in one after the other, and a batch of the first few would make all
   * others wait for it.
   */
  async gather(): Promise<void> {
    const begun = this.#now();
    let before: number;
    do {
      before = this.#come();
      await new Promise((resolve) => setImmediate(resolve));
    } while (
      this.#come() > before &&
      this.#queue.length < MAX_BATCH_ENTRIES &&
      this.#now() - begun < MAX_GATHER_MS
    );
  }

  /** Grows with everything that comes, while nothing is taken. */
  #come(): number {
    return this.#queue.length + this.#arrivals();
  }

  /** Takes the oldest groups, as many as make one batch. */
  take(): Group[] {
    let entries = 0;
    let bytes = 0;
    let count = 0;
    while (count < this.#queue.length && entries < MAX_BATCH_ENTRIES && bytes < MAX_BATCH_BYTES) {
      const { envelopes, attached } = this.#queue[count++] as Group;
      entries += envelopes.length;
      for (const { leaf } of envelopes) bytes += leaf.length;
      for (const document of attached.values()) bytes += document.length;
    }
    return this.#queue.splice(0, count);
  }
}
