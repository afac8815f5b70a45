// Counts the requests that are under way and the bytes that are held for them: whoever sends too much at once is refused, and nobody waits.

export interface Guest {
  /** Takes room for more bytes; false where there is none. */
  hold(bytes: number): boolean;
  /** Gives back all of it; a second call does nothing. */
  leave(): void;
}

export class Room {
  readonly #mostRequests: number;
  readonly #mostBytes: number;
  #requests = 0;
  #bytes = 0;

  constructor(mostRequests: number, mostBytes: number) {
    this.#mostRequests = mostRequests;
    this.#mostBytes = mostBytes;
  }

  get requests(): number {
    return this.#requests;
  }

  /** Null where no other request may enter. */
  enter(): Guest | null {
    if (this.#requests >= this.#mostRequests) return null;
    this.#requests++;
    let held = 0;
    let inside = true;
    return {
      hold: (bytes) => {
        if (!inside || this.#bytes + bytes > this.#mostBytes) return false;
        held += bytes;
        this.#bytes += bytes;
        return true;
      },
      leave: () => {
        if (!inside) return;
        inside = false;
        this.#requests--;
        this.#bytes -= held;
      },
    };
  }
}
