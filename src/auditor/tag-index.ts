// Finds entries by 32 bits of a hash, in memory: what it finds is a place to look, since others may have the same bits. It takes 8 bytes
// for each tag, and at most three times that with the room to grow.

const FIRST_SLOTS = 1024;
/** An index is stored as the number after it, which leaves 0 for a slot that is free. */
const MAX_INDEX = 2 ** 32 - 2;

export class TagIndex {
  #tags = new Uint32Array(FIRST_SLOTS);
  #entries = new Uint32Array(FIRST_SLOTS);
  #count = 0;

  /** What it holds in memory. */
  get bytes(): number {
    return this.#tags.byteLength + this.#entries.byteLength;
  }

  /** @param tag 32 bits that nobody who chooses entries can choose. @param index 0 to 2^32 − 2. */
  add(tag: number, index: number): void {
    if (index > MAX_INDEX) throw new RangeError(`entry ${index} is beyond what an audit can remember`);
    if (4 * this.#count >= 3 * this.#tags.length) this.#grow();
    this.#put(tag, index + 1);
    this.#count++;
  }

  /** The entries that were added with a tag. */
  find(tag: number): number[] {
    const found: number[] = [];
    const mask = this.#tags.length - 1;
    for (let slot = tag & mask; this.#entries[slot] !== 0; slot = (slot + 1) & mask)
      if (this.#tags[slot] === tag) found.push((this.#entries[slot] as number) - 1);
    return found;
  }

  #put(tag: number, entry: number): void {
    const mask = this.#tags.length - 1;
    let slot = tag & mask;
    while (this.#entries[slot] !== 0) slot = (slot + 1) & mask;
    this.#tags[slot] = tag;
    this.#entries[slot] = entry;
  }

  #grow(): void {
    const [tags, entries] = [this.#tags, this.#entries];
    this.#tags = new Uint32Array(2 * tags.length);
    this.#entries = new Uint32Array(2 * tags.length);
    for (const [slot, entry] of entries.entries()) if (entry !== 0) this.#put(tags[slot] as number, entry);
  }
}
