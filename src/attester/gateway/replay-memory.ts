// Remembers sealed requests for as long as their date is acceptable, and refuses those that come a second time: whoever recorded one could
// send it again (RFC 9458 §6.5).

/** Milliseconds that the date of a request may differ from now. */
export const TOLERANCE = 300_000;

export type Fault = "date" | "repeated" | "full";

export class ReplayMemory {
  readonly #most: number;
  /** When each may be forgotten, in milliseconds; the oldest entry comes first. */
  readonly #seen = new Map<string, number>();

  /** @param most requests that are remembered; no more are taken within the window. */
  constructor(most: number) {
    this.#most = most;
  }

  /**
   * @param encapsulated the key in the request, hex; call this only for one that opened, or anybody could fill the memory.
   * @param date what the request says of its time; NaN where it says nothing.
   * @returns what is wrong with it, or null for one that is to be answered.
   */
  check(encapsulated: string, date: number, now: number): Fault | null {
    this.#forget(now);
    if (!(Math.abs(date - now) <= TOLERANCE)) return "date";
    if (this.#seen.has(encapsulated)) return "repeated";
    if (this.#seen.size >= this.#most) return "full";
    // A date that lies in the future is acceptable for up to twice the tolerance from now.
    this.#seen.set(encapsulated, now + 2 * TOLERANCE);
    return null;
  }

  #forget(now: number): void {
    for (const [key, until] of this.#seen) {
      if (until > now) return;
      this.#seen.delete(key);
    }
  }
}
