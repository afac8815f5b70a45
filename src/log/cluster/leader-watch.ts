// Knows which other process leads, as far as the store says, and tells who waits for it when that is over.
import { setTimeout as sleep } from "node:timers/promises";
import type { Candidate, Leader, Leadership } from "../store/leadership.ts";

/** Another node, which leads. */
export interface OtherLeader {
  readonly address: string;
  /** Aborted when it does not lead any more. */
  readonly over: AbortSignal;
}

/** Milliseconds: for how long an answer counts, that nobody leads or that somebody does, and for how long one that was not reached is passed over. */
const ASK_MS = 200;
const FRESH_MS = 500;
const PASSED_OVER_MS = 1_000;

export class LeaderWatch {
  readonly #leadership: Leadership;
  /** Whose leading is none of another. The address tells it from a process that was given the same id. */
  readonly #own: Candidate | undefined;
  #leader: Leader | null = null;
  #over = new AbortController();
  #askedAt = Number.NEGATIVE_INFINITY;
  #asking: Promise<void> | null = null;
  #unreachable: number | null = null;

  constructor(leadership: Leadership, own: Candidate | undefined) {
    this.#leadership = leadership;
    this.#own = own;
  }

  /** Whether somebody leads who takes entries, as far as is known. */
  get isLed(): boolean {
    return this.#leader?.address != null;
  }

  /** Asks the store, unless it was asked just now. However many wait for a leader share one question, and its answer. */
  async ask(): Promise<void> {
    const age = performance.now() - this.#askedAt;
    if (this.#asking === null && age < (this.#leader === null ? ASK_MS : FRESH_MS)) return;
    this.#asking ??= this.#ask().finally(() => {
      this.#asking = null;
    });
    await this.#asking;
  }

  async #ask(): Promise<void> {
    this.#askedAt = performance.now();
    const leader = await this.#leadership.leader().catch(() => null);
    const isOwn = leader?.id === this.#own?.id && leader?.address === this.#own?.address;
    this.#know(isOwn ? null : leader);
  }

  /** For a process that leads itself. */
  forget(): void {
    this.#know(null);
  }

  /** For whoever could not reach the one that was named: for a moment it is passed over, unless it leads anew. */
  notReached(): void {
    this.#unreachable = this.#leader?.epoch ?? this.#unreachable;
    this.#askedAt = Number.NEGATIVE_INFINITY;
    const forget = setTimeout(() => {
      this.#unreachable = null;
    }, PASSED_OVER_MS);
    forget.unref();
  }

  /** The one that leads, once there is one; null when the signal is aborted before, or this process leads. */
  async untilLed(signal: AbortSignal, isLeading: () => boolean): Promise<OtherLeader | null> {
    while (!signal.aborted && !isLeading()) {
      await this.ask();
      const { address = null, epoch } = this.#leader ?? {};
      if (address !== null && epoch !== this.#unreachable) return { address, over: this.#over.signal };
      await sleep(ASK_MS, null, { signal }).catch(() => null);
    }
    return null;
  }

  #know(leader: Leader | null): void {
    if (leader?.epoch !== this.#leader?.epoch) {
      this.#over.abort(new Error("another process leads the log"));
      this.#over = new AbortController();
    }
    this.#leader = leader;
  }
}
