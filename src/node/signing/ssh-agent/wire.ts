// Reads and writes the data types of SSH (RFC 4251 §5) of which keys, signatures and the agent's messages are made.
import { concatBytes } from "../../../protocol/encoding/bytes.ts";
import { utf8 } from "../../../protocol/encoding/text.ts";
import { MalformedError } from "../../../protocol/errors.ts";

/** Reads from the beginning to the end; every length is held against what is there. */
export class SshReader {
  readonly #bytes: Uint8Array;
  readonly #format: string;
  #at = 0;

  constructor(bytes: Uint8Array, format: string) {
    this.#bytes = bytes;
    this.#format = format;
  }

  byte(): number {
    return this.#take(1)[0] ?? 0;
  }

  uint32(): number {
    const [a = 0, b = 0, c = 0, d = 0] = this.#take(4);
    return ((a << 24) | (b << 16) | (c << 8) | d) >>> 0;
  }

  string(): Uint8Array {
    return this.#take(this.uint32());
  }

  /** A name: printable ASCII. */
  name(): string {
    const text = Buffer.from(this.string()).toString("latin1");
    if (/^[!-~]{1,64}$/.test(text)) return text;
    throw new MalformedError(this.#format, "expected a name", this.#at);
  }

  end(): void {
    if (this.#at !== this.#bytes.length)
      throw new MalformedError(this.#format, "bytes are left over", this.#at);
  }

  #take(length: number): Uint8Array {
    if (length > this.#bytes.length - this.#at) throw new MalformedError(this.#format, "it is cut", this.#at);
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }
}

export function sshUint32(value: number): Uint8Array {
  return Uint8Array.of(value >>> 24, value >>> 16, value >>> 8, value);
}

export function sshString(value: Uint8Array | string): Uint8Array {
  const bytes = typeof value === "string" ? utf8(value) : value;
  return concatBytes(sshUint32(bytes.length), bytes);
}
