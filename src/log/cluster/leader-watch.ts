// Knows which other process leads, as far as the store says, and tells who waits for it when that is over.
import { setTimeout as sleep } from "node:timers/promises";
import type { Logger } from "../observer.ts";
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

const SAME_ADDRESS =
  "another process leads the log and says that it is reached where this one is: give each process a cluster.advertise of its own (was a configuration copied?)";

export interface LeaderWatchOptions {
  readonly leadership: Leadership;
  /** This process, where it may lead. The address tells it from one that was given the same id. */
  readonly own: Candidate | undefined;
  /** Milliseconds for which one that ended without a word still seems to lead. */
  readonly leaseMs: number;
  readonly logger: Logger;
}

export class LeaderWatch {
  readonly #leadership: Leadership;
  readonly #own: Candidate | undefined;
  readonly #leaseMs: number;
  readonly #logger: Logger;
  #leader: Leader | null = null;
  #ownEpoch: number | null = null;
  /** Since when another process seems to lead at the address of this one, milliseconds; null while none does. */
  #sameAddressSince: number | null = null;
  #obstacle: string | null = null;
  #over = new AbortController();
  #askedAt = Number.NEGATIVE_INFINITY;
  #asking: Promise<void> | null = null;
  #unreachable: number | null = null;

  constructor({ leadership, own, leaseMs, logger }: LeaderWatchOptions) {
    this.#leadership = leadership;
    this.#own = own;
    this.#leaseMs = leaseMs;
    this.#logger = logger;
  }

  /** Whether somebody leads who takes entries, as far as is known. */
  get isLed(): boolean {
    return this.#leader?.address != null;
  }

  /** Why the one that leads cannot be reached from here, however long that is waited for; null while nothing is known that says so. */
  get obstacle(): string | null {
    return this.#obstacle;
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
    const isHere = leader !== null && this.#isHere(leader);
    this.#see(isHere && leader.address !== null && leader.epoch !== this.#ownEpoch);
    this.#know(isHere ? null : leader);
  }

  #isHere({ id, address }: Leader): boolean {
    return address === null ? id === this.#own?.id : address === this.#own?.address;
  }

  /** One that was here before this process, and was killed, is gone when its lease is over. */
  #see(hasSameAddress: boolean): void {
    if (!hasSameAddress) {
      this.#sameAddressSince = null;
      this.#obstacle = null;
      return;
    }
    this.#sameAddressSince ??= performance.now();
    const seemsGone = performance.now() - this.#sameAddressSince <= this.#leaseMs;
    if (seemsGone || this.#obstacle !== null) return;
    this.#obstacle = SAME_ADDRESS;
    this.#logger.error({ address: this.#own?.address }, SAME_ADDRESS);
  }

  /** It is the turn of this process. */
  won(epoch: number): void {
    this.#ownEpoch = epoch;
    this.#see(false);
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

  /** The one that leads, once there is one; null when the signal is aborted before, this process leads, or there is an obstacle. */
  async untilLed(signal: AbortSignal, isLeading: () => boolean): Promise<OtherLeader | null> {
    while (!signal.aborted && !isLeading() && this.#obstacle === null) {
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
