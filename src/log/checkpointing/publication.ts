// Holds the newest published checkpoint and answers those who wait for one.
import type { Checkpoint } from "../../protocol/note/checkpoint.ts";
import type { InForce } from "../../protocol/registration/in-force.ts";
import type { TreeEdge } from "../tree/growing-tree.ts";

/** What is published now. */
export interface Published {
  readonly checkpoint: Checkpoint;
  /** With its cosignatures. */
  readonly note: string;
  readonly cosignedAt: Date;
  /** What is in force at this size. */
  readonly inForce: InForce;
  /** The right edge of its tree, which proofs are made of. */
  readonly edge: TreeEdge;
}

interface Waiter {
  readonly index: number;
  readonly settle: (published: boolean) => void;
}

export class Publication {
  #newest: Published | null;
  #waiters: Waiter[] = [];
  readonly #listeners = new Set<(published: Published) => void>();

  constructor(newest: Published | null) {
    this.#newest = newest;
  }

  /** Null before the first checkpoint. */
  get newest(): Published | null {
    return this.#newest;
  }

  /** Entries under the newest published checkpoint. */
  get size(): number {
    return this.#newest?.checkpoint.size ?? 0;
  }

  /** Shows a cosigned checkpoint to readers, and answers those who waited for it. */
  publish(published: Published): void {
    this.#newest = published;
    const settled = this.#waiters.filter(({ index }) => index < this.size);
    this.#waiters = this.#waiters.filter(({ index }) => index >= this.size);
    for (const listener of this.#listeners) listener(published);
    for (const { settle } of settled) settle(true);
  }

  /** Shows a checkpoint that was published elsewhere, or read back, unless what is shown is as new. @returns whether it is shown now. */
  offer(published: Published): boolean {
    const { size, cosignedAt } = { size: this.size, cosignedAt: this.#newest?.cosignedAt.getTime() ?? -1 };
    const isSame = published.note === this.#newest?.note;
    const isOlder = published.checkpoint.size === size && published.cosignedAt.getTime() < cosignedAt;
    if (published.checkpoint.size < size || isSame || isOlder) return false;
    this.publish(published);
    return true;
  }

  /** Whether entry `index` is published, now or within `waitMs` milliseconds. */
  covers(index: number, waitMs: number): Promise<boolean> {
    if (index < this.size) return Promise.resolve(true);
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

  /** Calls the listener after every publication. @returns what ends that. */
  onPublished(listener: (published: Published) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Answers those who still wait: nothing more is published. */
  close(): void {
    for (const { settle } of this.#waiters.splice(0)) settle(false);
  }
}
