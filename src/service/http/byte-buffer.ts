// Gathers bytes that arrive in pieces into one array that doubles. A list of the pieces would cost a sender of single bytes nothing and
// the receiver a hundred times what it counts.

export class ByteBuffer {
  #bytes = new Uint8Array(4096);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  append(piece: Uint8Array): void {
    const length = this.#length + piece.length;
    if (length > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(length, 2 * this.#bytes.length));
      larger.set(this.#bytes.subarray(0, this.#length));
      this.#bytes = larger;
    }
    this.#bytes.set(piece, this.#length);
    this.#length = length;
  }

  /** What was gathered, in an array that nothing else writes to; the buffer is empty then. */
  take(): Uint8Array {
    const isLarge = this.#length > this.#bytes.length / 2;
    const taken = isLarge ? this.#bytes.subarray(0, this.#length) : this.#bytes.slice(0, this.#length);
    if (isLarge) this.#bytes = new Uint8Array(4096);
    this.#length = 0;
    return taken;
  }
}
