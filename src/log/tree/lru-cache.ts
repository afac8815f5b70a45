// A map that keeps the entries used last and forgets the others.

export class LruCache<K, V extends NonNullable<unknown>> {
  readonly #limit: number;
  /** Least recently used first. */
  readonly #entries = new Map<K, V>();

  /** @param limit most entries kept, at least 1. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  get(key: K): V | undefined {
    const value = this.#entries.get(key);
    if (value === undefined) return undefined;
    this.#entries.delete(key);
    this.#entries.set(key, value);
    return value;
  }

  set(key: K, value: V): void {
    this.#entries.set(key, value);
    if (this.#entries.size > this.#limit) this.#entries.delete(this.#entries.keys().next().value as K);
  }
}
