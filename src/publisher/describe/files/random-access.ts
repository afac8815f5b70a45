// Reads build artefacts, which are read nowhere else: in bounded pieces at stated offsets, never whole, so that a 4 GiB image
// costs a few MiB of memory. Digests are SHA-256 and SHA-384 of FIPS 180-4, by OpenSSL.
import { createHash } from "node:crypto";
import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { basename } from "node:path";
import { MalformedError } from "../../../protocol/errors.ts";

/** The most bytes that one `read` may ask for. Longer stretches go through `chunks`. */
export const MAX_READ = 16 * 1024 * 1024;
const CHUNK = 1024 * 1024;

export type FileHash = "sha256" | "sha384";

/** Size in bytes, and the digests that were asked for in lower-case hex. */
export type Digests<A extends FileHash = FileHash> = { readonly size: number } & Readonly<Record<A, string>>;

/** A regular file, or a part of one, whose errors name the format, the file and the byte offset. */
export class RandomAccess {
  /** What the bytes should be, such as "erofs image"; opens every error message. */
  readonly format: string;
  /** As the caller wrote it; for messages only, never for a statement. */
  readonly path: string;
  readonly size: number;
  readonly #handle: FileHandle;
  readonly #start: number;

  constructor(handle: FileHandle, format: string, path: string, start: number, size: number) {
    this.format = format;
    this.path = path;
    this.size = size;
    this.#handle = handle;
    this.#start = start;
  }

  /** The file's name without its folders: all of a path that may enter a statement. */
  get name(): string {
    return basename(this.path);
  }

  /** An error to throw: `detail` is wrong at byte `offset` of this file. */
  malformed(detail: string, offset: number | bigint): MalformedError {
    return new MalformedError(`${this.format} ${this.path}`, detail, `byte ${this.#start + Number(offset)}`);
  }

  /** @throws MalformedError unless all of `length` bytes at `offset` lie inside. `what` names them in the message. */
  assertInside(offset: number, length: number, what: string): void {
    const sane = Number.isSafeInteger(offset) && Number.isSafeInteger(length) && offset >= 0 && length >= 0;
    if (!sane || length > this.size - offset)
      throw this.malformed(`${what} needs ${length} bytes, the end is at ${this.#start + this.size}`, offset);
  }

  /** Exactly `length` bytes at `offset`, in a buffer of their own. */
  async read(offset: number, length: number, what: string): Promise<Uint8Array<ArrayBuffer>> {
    this.assertInside(offset, length, what);
    if (length > MAX_READ)
      throw this.malformed(`${what} has ${length} bytes, at most ${MAX_READ} are read`, offset);
    return await this.#fill(new Uint8Array(length), offset);
  }

  /** The bytes in pieces of at most `chunk`, reading one ahead. Each piece is valid only until the next is asked for. */
  async *chunks(offset = 0, length = this.size - offset, chunk = CHUNK): AsyncGenerator<Uint8Array> {
    this.assertInside(offset, length, "the content");
    const end = offset + length;
    const buffers = [
      new Uint8Array(Math.min(chunk, length)),
      new Uint8Array(Math.min(chunk, length)),
    ] as const;
    const fetch = (at: number, buffer: Uint8Array<ArrayBuffer>) =>
      this.#fill(buffer.subarray(0, Math.min(chunk, end - at)), at);
    let next = length > 0 ? fetch(offset, buffers[0]) : undefined;
    for (let at = offset, turn = 1; next !== undefined; turn ^= 1) {
      const piece = await next;
      at += piece.length;
      next = at < end ? fetch(at, turn === 1 ? buffers[1] : buffers[0]) : undefined;
      // A read that fails after the consumer left must not be an unhandled rejection; whoever awaits it still sees it.
      next?.catch(() => {});
      yield piece;
    }
  }

  /** The part at `offset` as a file of its own, in the same open file. Errors keep the offset in the whole. */
  part(offset: number, length: number, format: string): RandomAccess {
    this.assertInside(offset, length, format);
    return new RandomAccess(this.#handle, format, this.path, this.#start + offset, length);
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }

  async #fill(buffer: Uint8Array<ArrayBuffer>, offset: number): Promise<Uint8Array<ArrayBuffer>> {
    for (let done = 0; done < buffer.length; ) {
      const { bytesRead } = await this.#handle.read(
        buffer,
        done,
        buffer.length - done,
        this.#start + offset + done,
      );
      if (bytesRead === 0) throw this.malformed("the file became shorter while it was read", offset + done);
      done += bytesRead;
    }
    return buffer;
  }
}

/** Opens a regular file for reading. The caller closes it; `withFile` does so by itself. */
export async function openRandomAccess(path: string, format: string): Promise<RandomAccess> {
  // Without O_NONBLOCK, opening a named pipe waits for a writer for ever.
  const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const stat = await handle.stat();
  if (stat.isFile()) return new RandomAccess(handle, format, path, 0, stat.size);
  await handle.close();
  throw new MalformedError(`${format} ${path}`, "not a regular file");
}

export async function withFile<T>(
  path: string,
  format: string,
  use: (file: RandomAccess) => Promise<T>,
): Promise<T> {
  const file = await openRandomAccess(path, format);
  try {
    return await use(file);
  } finally {
    await file.close();
  }
}

/** Where the first byte at `offset` or after it is that is not zero; undefined where there is none. */
export async function firstNonZero(file: RandomAccess, offset: number): Promise<number | undefined> {
  const zeros = Buffer.alloc(CHUNK);
  let at = offset;
  for await (const piece of file.chunks(offset)) {
    if (!zeros.subarray(0, piece.length).equals(piece)) return at + piece.findIndex((byte) => byte !== 0);
    at += piece.length;
  }
  return undefined;
}

/** The named digests of all of `file`, in one pass. */
export async function digestContent<A extends FileHash>(
  file: RandomAccess,
  algorithms: readonly A[],
): Promise<Digests<A>> {
  const hashes = algorithms.map((algorithm) => ({ algorithm, hash: createHash(algorithm) }));
  for await (const piece of file.chunks()) for (const { hash } of hashes) hash.update(piece);
  const hex = hashes.map(({ algorithm, hash }) => [algorithm, hash.digest("hex")] as const);
  return { size: file.size, ...Object.fromEntries(hex) } as Digests<A>;
}

/** The named digests of the file at `path`, in one pass. */
export async function digestFile<A extends FileHash>(
  path: string,
  algorithms: readonly A[],
): Promise<Digests<A>> {
  return await withFile(path, "file", (file) => digestContent(file, algorithms));
}
