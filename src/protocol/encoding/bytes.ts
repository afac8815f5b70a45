// Reads, joins and compares byte strings.
import { MalformedError } from "../errors.ts";

export function concatBytes(...parts: Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    joined.set(part, offset);
    offset += part.length;
  }
  return joined;
}

/** Compares in time that depends on the lengths only. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let i = 0; i < a.length; i++) difference |= (a[i] ?? 0) ^ (b[i] ?? 0);
  return difference === 0;
}

/** RFC 8446 §3.3: 8 bytes, big-endian. */
export function uint64(value: number): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(value));
  return bytes;
}

/** A cursor over untrusted bytes that refuses to read past their end and names the format and the offset when it does. */
export class ByteReader {
  readonly bytes: Uint8Array;
  readonly format: string;
  offset = 0;
  readonly #view: DataView;

  constructor(bytes: Uint8Array, format: string) {
    this.bytes = bytes;
    this.format = format;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get remaining(): number {
    return this.bytes.length - this.offset;
  }

  /** The next `length` bytes, as a view into the input. */
  take(length: number, what: string): Uint8Array {
    const start = this.#advance(length, what);
    return this.bytes.subarray(start, start + length);
  }

  u8(what: string): number {
    return this.#view.getUint8(this.#advance(1, what));
  }

  u16le(what: string): number {
    return this.#view.getUint16(this.#advance(2, what), true);
  }

  u16be(what: string): number {
    return this.#view.getUint16(this.#advance(2, what), false);
  }

  u24le(what: string): number {
    const start = this.#advance(3, what);
    return this.#view.getUint16(start, true) | (this.#view.getUint8(start + 2) << 16);
  }

  u32le(what: string): number {
    return this.#view.getUint32(this.#advance(4, what), true);
  }

  u64le(what: string): bigint {
    return this.#view.getBigUint64(this.#advance(8, what), true);
  }

  /** @throws MalformedError with the offset and `what` when fewer than `length` bytes are left. */
  #advance(length: number, what: string): number {
    if (!Number.isSafeInteger(length) || length < 0 || length > this.remaining) {
      throw new MalformedError(
        this.format,
        `${what} needs ${length} bytes, ${this.remaining} are left`,
        this.offset,
      );
    }
    const start = this.offset;
    this.offset += length;
    return start;
  }
}
