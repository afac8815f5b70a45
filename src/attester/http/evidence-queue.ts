// Makes evidence one after the other: the quoting enclave and the GPUs do one thing at a time, and who has to wait too long is told so at once.

/** The queue is full. */
export class QueueFullError extends Error {
  override readonly name = "QueueFullError";
  /** Seconds after which there may be room. */
  readonly retryAfter: number;

  constructor(retryAfter: number) {
    super("evidence is being made for others");
    this.retryAfter = retryAfter;
  }
}

export class EvidenceQueue {
  readonly #most: number;
  #waiting = 0;
  #last: Promise<unknown> = Promise.resolve();
  /** Milliseconds that the last one took. */
  #took = 1000;

  /** @param most how many may wait behind the one that is being made. */
  constructor(most: number) {
    this.#most = most;
  }

  /**
   * Runs `make` when its turn comes.
   * @param signal of a client that may leave; what nobody waits for any more is not made.
   * @throws QueueFullError; the signal's reason; what `make` throws.
   */
  async run<T>(make: () => Promise<T>, signal: AbortSignal): Promise<T> {
    if (this.#waiting > this.#most)
      throw new QueueFullError(Math.max(1, Math.ceil((this.#waiting * this.#took) / 1000)));
    this.#waiting++;
    const turn = this.#last.then(async () => {
      signal.throwIfAborted();
      const begun = performance.now();
      try {
        return await make();
      } finally {
        this.#took = performance.now() - begun;
      }
    });
    this.#last = turn.catch(() => undefined);
    return turn.finally(() => {
      this.#waiting--;
    });
  }
}
