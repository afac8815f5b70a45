// Keeps threads that check entries, one for each core. They are started when the first bundle comes.
import { availableParallelism } from "node:os";
import { Thread, type ThreadError } from "../../node/thread.ts";
import { encodeEntryBundle } from "../../protocol/merkle/tile.ts";
import type { LoggedKeys } from "./checked-entry.ts";
import type { CheckAnswer, CheckCall } from "./entry-thread.ts";

/** Of more than these, the one thread that applies the rules would not keep up. */
const MOST = 8;
/** From so many entries on it pays to start threads: they are ready when a thread alone has checked a few hundred. */
const WORTH_THREADS = 4096;
/** A thread holds one bundle with what was read from it: 16 MiB of JSON at most. */
const HEAP = { maxYoungGenerationSizeMb: 32, maxOldGenerationSizeMb: 1024 };

interface Checking {
  readonly thread: Thread<CheckCall>;
  /** The keys that it was given, as many of them as there were. */
  keys: readonly LoggedKeys[];
  given: number;
  calls: number;
}

export class EntryThreads {
  readonly count: number;
  /** How many entries are worth threads. */
  readonly worthFrom: number;
  readonly #source: URL;
  #threads: Checking[] = [];

  /** @param source what runs in them. */
  constructor(
    count = Math.min(availableParallelism(), MOST),
    worthFrom = WORTH_THREADS,
    source = new URL("./entry-thread.ts", import.meta.url),
  ) {
    this.#source = source;
    this.count = count;
    this.worthFrom = count > 1 ? worthFrom : Number.POSITIVE_INFINITY;
  }

  /**
   * Gives a bundle to the thread that has least to do.
   * @param keys of the trust roots and providers before it: the same array for all bundles of a log, which grows at its end.
   * @throws Error when a thread failed.
   */
  async check(leaves: readonly Uint8Array[], keys: readonly LoggedKeys[]): Promise<CheckAnswer> {
    const chosen = this.#leastBusy();
    const bundle = encodeEntryBundle(leaves) as Uint8Array<ArrayBuffer>;
    const isOtherLog = chosen.keys !== keys;
    const fresh = keys.slice(isOtherLog ? 0 : chosen.given);
    const call: CheckCall = { bundle, count: leaves.length, keys: fresh, isOtherLog };
    Object.assign(chosen, { keys, given: keys.length });
    chosen.calls++;
    try {
      return (await chosen.thread.call(call, [bundle.buffer])) as CheckAnswer;
    } catch (error) {
      const { message } = error as Error;
      throw new Error(`a thread that checks entries failed, so nothing is known of them: ${message}`, {
        cause: error,
      });
    } finally {
      chosen.calls--;
    }
  }

  #leastBusy(): Checking {
    while (this.#threads.length < this.count) this.#threads.push(startThread(this.#source));
    return this.#threads.reduce((least, one) => (one.calls < least.calls ? one : least));
  }

  /** Ends the threads once they have answered; later calls start new ones. */
  async close(): Promise<void> {
    const threads = this.#threads;
    this.#threads = [];
    await Promise.all(threads.map(({ thread }) => thread.close()));
  }
}

function startThread(source: URL): Checking {
  const revive = ({ name, message }: ThreadError) => new Error(`${name}: ${message}`);
  return { thread: new Thread<CheckCall>(source, null, revive, HEAP), keys: [], given: 0, calls: 0 };
}
