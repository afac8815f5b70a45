// Names the fields of a document by where they stand in its bytes, so that a test can show that no byte is left without a name.

/** A field and its place: `end` is the byte after it. */
export interface Field {
  readonly name: string;
  readonly start: number;
  readonly end: number;
}

/** Names bytes from the front of a document, one field after the other. */
export class Layout {
  readonly fields: Field[] = [];
  readonly #bytes: Uint8Array;
  readonly #prefix: string;
  #at = 0;

  constructor(bytes: Uint8Array, prefix: string) {
    this.#bytes = bytes;
    this.#prefix = prefix;
  }

  /** Fields of these lengths, in this order. */
  take(lengths: Readonly<Record<string, number>>): void {
    for (const [name, length] of Object.entries(lengths)) {
      if (length > 0)
        this.fields.push({ name: `${this.#prefix}.${name}`, start: this.#at, end: this.#at + length });
      this.#at += length;
    }
  }

  /** A little-endian integer, which becomes a field of its own. */
  integer(name: string, length: number): number {
    const digits = this.#bytes.subarray(this.#at, this.#at + length);
    this.take({ [name]: length });
    return digits.reduceRight((value, digit) => value * 256 + digit, 0);
  }

  get rest(): number {
    return this.#bytes.length - this.#at;
  }
}

/** Whether the fields cover `length` bytes without a gap and without one lying over another. */
export function tile(fields: readonly Field[], length: number): boolean {
  const ends = fields.reduce((at, { start, end }) => (start === at ? end : Number.NaN), 0);
  return ends === length;
}

/** The names in a parsed value, down to the leaves: members by a dot, items of a list by []. Bytes are leaves. */
export function namesIn(value: unknown, name: string): string[] {
  if (value instanceof Map) return namesIn([...value.values()], name);
  if (Array.isArray(value)) return distinct(value.flatMap((item) => namesIn(item, `${name}[]`)));
  if (typeof value !== "object" || value === null || value instanceof Uint8Array || value instanceof Date)
    return [name];
  return Object.entries(value).flatMap(([member, inside]) => namesIn(inside, `${name}.${member}`));
}

export function distinct<T>(values: readonly T[]): T[] {
  return [...new Set(values)];
}
