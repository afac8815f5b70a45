// Knows since when nothing is missing of what was read. A replica answers, however old what it has is; so the server that takes writes is
// asked what it has, and that is confirmed once as much was read.
import { within } from "./within.ts";

/** How long a look waits for the server that takes writes, milliseconds: what is late counts for the next one. */
const PATIENCE_MS = 1_000;

/** What the server that takes writes had when it was asked. */
interface Target {
  readonly size: number;
  readonly askedAt: number;
}

export class CaughtUp {
  readonly #primarySize: (() => Promise<number>) | null;
  /** Kept until it is reached: a later one would be missed again and again while entries are written. */
  #target: Target | null = null;
  #asking: Promise<void> | null = null;
  #at = Number.NEGATIVE_INFINITY;

  /** @param primarySize null where what is read is read there: as of when the reading began, it is whole. */
  constructor(primarySize: (() => Promise<number>) | null) {
    this.#primarySize = primarySize;
  }

  /** Everything is known that was committed before this, milliseconds of `performance.now`; negative infinity before it is known. */
  get at(): number {
    return this.#at;
  }

  /** Asks for something to reach. Who does not answer confirms nothing. */
  ask(): Promise<void> {
    this.#asking ??= this.#ask().finally(() => {
      this.#asking = null;
    });
    return within(PATIENCE_MS, this.#asking);
  }

  /** @param size of the log, as it was read. */
  read(size: number): void {
    if (this.#target === null || size < this.#target.size) return;
    this.#at = this.#target.askedAt;
    this.#target = null;
  }

  async #ask(): Promise<void> {
    const askedAt = performance.now();
    if (this.#primarySize === null) {
      this.#target = { size: 0, askedAt };
      return;
    }
    const size = await this.#primarySize().catch(() => null);
    if (size === null) return;
    // A server that took the place of another may have less, and what that one had is never reached.
    if (this.#target === null || size < this.#target.size) this.#target = { size, askedAt };
  }
}
