// Takes exact pieces out of bytes that arrive in pieces of any size, such as the body of an answer: where a piece ends means nothing.
import { concatBytes } from "../protocol/encoding/bytes.ts";
import { MalformedError } from "../protocol/errors.ts";

/** A cursor over untrusted bytes. Every method but `isAtEnd` throws MalformedError where the bytes end before what is asked for. */
export class ByteSource {
  readonly #format: string;
  readonly #pieces: AsyncIterator<Uint8Array>;
  #buffer: Uint8Array = new Uint8Array();
  #ended = false;

  /** @param format what the bytes claim to be, for messages. */
  constructor(pieces: AsyncIterable<Uint8Array>, format: string) {
    this.#pieces = pieces[Symbol.asyncIterator]();
    this.#format = format;
  }

  static of(bytes: Uint8Array, format: string): ByteSource {
    async function* whole() {
      yield bytes;
    }
    return new ByteSource(whole(), format);
  }

  /** A cursor over bytes that were taken out of this one. */
  within(bytes: Uint8Array): ByteSource {
    return ByteSource.of(bytes, this.#format);
  }

  async isAtEnd(): Promise<boolean> {
    return !(await this.#fill(1));
  }

  /** The next `length` bytes. A caller limits the length first: so much is kept in memory. */
  async take(length: number, what: string): Promise<Uint8Array> {
    if (await this.#fill(length)) return this.#cut(length);
    throw this.malformed(`${what} needs ${length} bytes, ${this.#buffer.length} are left`);
  }

  /** What has arrived already, or else arrives next: at least one byte and at most `most`. */
  async takeSome(most: number, what: string): Promise<Uint8Array> {
    if (await this.#fill(1)) return this.#cut(Math.min(most, this.#buffer.length));
    throw this.malformed(`ends inside ${what}`);
  }

  /** Everything up to the end. */
  async rest(most: number, what: string): Promise<Uint8Array> {
    if (await this.#fill(most + 1)) throw this.malformed(`${what} is longer than ${most} bytes`);
    return this.#cut(this.#buffer.length);
  }

  /** A variable-length integer (RFC 9000 §16). */
  async varint(what: string, most = Number.MAX_SAFE_INTEGER): Promise<number> {
    const [first = 0] = await this.take(1, what);
    let value = first & 0x3f;
    for (const byte of await this.take((1 << (first >> 6)) - 1, what)) value = value * 256 + byte;
    // Above the safe integers a sum may be rounded, but never down to one of them.
    if (value > most) throw this.malformed(`${what} is ${value}, more than ${most}`);
    return value;
  }

  malformed(detail: string): MalformedError {
    return new MalformedError(this.#format, detail);
  }

  /** Waits until `length` bytes are there, and says whether they came. */
  async #fill(length: number): Promise<boolean> {
    if (this.#buffer.length >= length) return true;
    const pieces = [this.#buffer];
    let available = this.#buffer.length;
    while (available < length && !this.#ended) {
      const { value, done } = await this.#pieces.next();
      if (done) this.#ended = true;
      else {
        pieces.push(value);
        available += value.length;
      }
    }
    this.#buffer = concatBytes(...pieces);
    return available >= length;
  }

  #cut(length: number): Uint8Array {
    const taken = this.#buffer.subarray(0, length);
    this.#buffer = this.#buffer.subarray(length);
    return taken;
  }
}

/** A variable-length integer in its shortest form (RFC 9000 §16). @throws RangeError for what no length here can be. */
export function encodeVarint(value: number): Uint8Array {
  if (!Number.isInteger(value) || value < 0 || value >= 2 ** 30)
    throw new RangeError(`${value} is no length of a message`);
  if (value < 0x40) return Uint8Array.of(value);
  if (value < 0x4000) return Uint8Array.of(0x40 | (value >> 8), value & 0xff);
  return Uint8Array.of(0x80 | (value >>> 24), (value >> 16) & 0xff, (value >> 8) & 0xff, value & 0xff);
}

/** The pieces of a body as they arrive; null is an empty one. A reader that stops early cancels the body. */
export async function* piecesOf(body: ReadableStream<Uint8Array> | null): AsyncGenerator<Uint8Array, void> {
  const reader = body?.getReader();
  if (reader === undefined) return;
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      yield value;
    }
  } finally {
    // Of a body that ended or broke off there is nothing left to cancel.
    await reader.cancel().catch(() => undefined);
  }
}
