// Checks the entries of a log with threads, bundle by bundle and several at a time. A bundle is first checked with the keys that are known
// by then; where an entry in one before it brings more, and something did not verify, it is checked once more: keys are only ever added.

import type { LoggedKeys } from "./checked-entry.ts";
import { type CheckedBundle, type EntryChecker, PooledChecker } from "./entry-checker.ts";
import type { CheckAnswer } from "./entry-thread.ts";
import type { EntryThreads } from "./entry-threads.ts";

/**
 * The way to check so many entries that is worth it.
 * @param keys of the trust roots and providers before the first of them.
 */
export function openChecker(
  threads: EntryThreads,
  entries: number,
  keys: readonly LoggedKeys[],
): Promise<EntryChecker> | EntryChecker {
  return entries < threads.worthFrom ? PooledChecker.open(keys) : new ThreadedChecker(threads, keys);
}

export class ThreadedChecker implements EntryChecker {
  readonly ahead: number;
  readonly #threads: Pick<EntryThreads, "check">;
  /** In the order in which they came. */
  readonly #keys: LoggedKeys[] = [];
  readonly #known = new Set<string>();
  #turn: Promise<unknown> = Promise.resolve();

  /** @param keys of the trust roots and providers before the first bundle. */
  constructor(threads: Pick<EntryThreads, "check" | "count">, keys: readonly LoggedKeys[]) {
    this.ahead = threads.count + 1;
    this.#threads = threads;
    for (const some of keys) this.#learn(some);
  }

  check(leaves: Promise<readonly Uint8Array[]>): Promise<CheckedBundle> {
    const checked = this.#check(this.#turn, leaves);
    this.#turn = checked.catch(() => undefined);
    return checked;
  }

  async #check(before: Promise<unknown>, leaves: Promise<readonly Uint8Array[]>): Promise<CheckAnswer> {
    const entries = await leaves;
    // The first bundle has the first trust root in it, without which nothing verifies.
    if (this.#keys.length === 0) await before;
    const given = this.#keys.length;
    const early = await this.#threads.check(entries, this.#keys);
    await before;
    const isFinal = !early.mayLackKeys || this.#keys.length === given;
    const answer = isFinal ? early : await this.#threads.check(entries, this.#keys);
    for (const some of answer.introduced) this.#learn(some);
    return answer;
  }

  #learn(keys: LoggedKeys): void {
    const text = JSON.stringify(keys);
    if (this.#known.has(text)) return;
    this.#known.add(text);
    this.#keys.push(keys);
  }
}
