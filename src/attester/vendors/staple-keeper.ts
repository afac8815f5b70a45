// Keeps what is stapled fresh, in the background: no request ever waits for a vendor.
import type { Stapled } from "../stapled.ts";

export interface KeeperOptions {
  readonly fetch: () => Promise<Stapled>;
  /** Milliseconds between two fetches, and after one that failed. */
  readonly everyMs: number;
  readonly againMs: number;
  /** Told of a fetch that failed: what there was before is stapled on. */
  readonly onError: (error: unknown) => void;
}

export class StapleKeeper {
  readonly #options: KeeperOptions;
  #stapled: Stapled;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #stopped = false;

  private constructor(options: KeeperOptions, stapled: Stapled) {
    this.#options = options;
    this.#stapled = stapled;
    this.#fetchIn(options.everyMs);
  }

  /** Fetches once, and again and again until it is stopped. @throws what the first fetch throws. */
  static async start(options: KeeperOptions): Promise<StapleKeeper> {
    return new StapleKeeper(options, await options.fetch());
  }

  get stapled(): Stapled {
    return this.#stapled;
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  #fetchIn(ms: number): void {
    if (this.#stopped) return;
    this.#timer = setTimeout(() => void this.#fetch(), ms);
    this.#timer.unref();
  }

  async #fetch(): Promise<void> {
    const { fetch, onError, everyMs, againMs } = this.#options;
    try {
      this.#stapled = await fetch();
      this.#fetchIn(everyMs);
    } catch (error) {
      onError(error);
      this.#fetchIn(againMs);
    }
  }
}
