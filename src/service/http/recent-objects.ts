// Immutable objects that were read lately, up to a number of bytes, the least recently used going first.

export class RecentObjects {
  readonly #limit: number;
  /** Least recently used first. */
  readonly #objects = new Map<string, Uint8Array<ArrayBuffer>>();
  #bytes = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get(key: string): Uint8Array<ArrayBuffer> | undefined {
    const object = this.#objects.get(key);
    if (object === undefined) return undefined;
    this.#objects.delete(key);
    this.#objects.set(key, object);
    return object;
  }

  /** Keeps an object unless it would take more than an eighth of the room. */
  add(key: string, object: Uint8Array<ArrayBuffer>): void {
    if (object.length > this.#limit / 8 || this.#objects.has(key)) return;
    this.#objects.set(key, object);
    this.#bytes += object.length;
    for (const [oldest, { length }] of this.#objects) {
      if (this.#bytes <= this.#limit) return;
      this.#objects.delete(oldest);
      this.#bytes -= length;
    }
  }
}
