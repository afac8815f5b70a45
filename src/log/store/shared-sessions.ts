// Holds what the stores of one process share, such as sessions of a database server: it is opened for the first that needs it, and closed
// after the last.
interface Closeable {
  close(): Promise<void>;
}

interface Held {
  readonly shared: Closeable;
  users: number;
}

/** One for each process that opens several stores; stores that are given another one share nothing with these. */
export class SharedSessions {
  readonly #held = new Map<string, Held>();

  /** What is shared under this key. Who takes it gives it back, once. @param open is called where nobody has it. */
  take<T extends Closeable>(key: string, open: () => T): T {
    const held = this.#held.get(key) ?? { shared: open(), users: 0 };
    held.users++;
    this.#held.set(key, held);
    return held.shared as T;
  }

  /** Closes what nobody else has. */
  async giveBack(key: string): Promise<void> {
    const held = this.#held.get(key);
    if (held === undefined || --held.users > 0) return;
    this.#held.delete(key);
    await held.shared.close();
  }
}
