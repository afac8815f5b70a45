// Bounds the bytes of all request bodies that are in memory at once. When there are too many, the longest body that is still being
// read gives way: whoever sends little is never kept out by those who send much.
import { RequestProblem } from "../problem.ts";

/** A body of which bytes are in memory. */
export interface HeldBody {
  /** Aborted when the body has to give way; its reader stops then. */
  readonly signal: AbortSignal;
  /** Counts bytes that have arrived. @throws RequestProblem "queue-full" when this body is the one that gives way. */
  take(bytes: number): void;
  /** The body is read whole: it counts on, but no longer gives way. */
  complete(): void;
  /** Its bytes are let go. */
  release(): void;
}

interface Counted {
  bytes: number;
  isComplete: boolean;
  readonly controller: AbortController;
}

export class BodyBudget {
  readonly #limit: number;
  readonly #bodies = new Set<Counted>();
  #held = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Bytes in memory. */
  get held(): number {
    return this.#held;
  }

  open(): HeldBody {
    const body: Counted = { bytes: 0, isComplete: false, controller: new AbortController() };
    const { signal } = body.controller;
    this.#bodies.add(body);
    return {
      signal,
      take: (bytes) => {
        signal.throwIfAborted();
        body.bytes += bytes;
        this.#held += bytes;
        while (this.#held > this.#limit && !signal.aborted) this.#giveWay(this.#longest() ?? body);
        signal.throwIfAborted();
      },
      complete: () => {
        body.isComplete = true;
      },
      release: () => this.#release(body),
    };
  }

  #longest(): Counted | undefined {
    let longest: Counted | undefined;
    for (const body of this.#bodies)
      if (!body.isComplete && body.bytes > (longest?.bytes ?? 0)) longest = body;
    return longest;
  }

  #giveWay(body: Counted): void {
    this.#release(body);
    const reason = "too many bytes are being sent to the log at once; send it again soon";
    body.controller.abort(new RequestProblem("queue-full", reason));
  }

  #release(body: Counted): void {
    if (!this.#bodies.delete(body)) return;
    this.#held -= body.bytes;
  }
}
