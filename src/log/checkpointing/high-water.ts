// The high-water mark: the largest checkpoint that the log has signed, in a file outside the database. It is what tells a database
// that lost its newest entries (a restored backup) from one that never had them, so it is never part of a backup.
import { closeSync, fdatasyncSync, fsyncSync, openSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import { sync, writeFully } from "../../node/durable-file.ts";
import { nativeSha256 } from "../../node/sha256.ts";
import { encodeHex } from "../../protocol/encoding/hex.ts";
import { decodeUtf8, utf8 } from "../../protocol/encoding/text.ts";
import { parseCheckpoint } from "../../protocol/note/checkpoint.ts";
import { parseNote } from "../../protocol/note/signed-note.ts";
import { StartRefusedError } from "../errors.ts";

export interface HighWater {
  /** The note of the largest checkpoint that was written, or undefined where there is none. @throws StartRefusedError "log-damaged". */
  read(): Promise<string | undefined>;
  /** Writes the note of a larger checkpoint. It is durable once this resolves; a crash before leaves the one written before. */
  write(note: string): Promise<void>;
  close(): Promise<void>;
}

/** A page of the disk each. Notes of checkpoints with the log's signature alone are a tenth of that. */
const SLOT_BYTES = 4096;
/** Behind the digest and its newline. */
const TEXT_OFFSET = 65;

/**
 * A high-water mark in a file of two slots, written in turn: while one is being written the other holds the mark before. A slot is
 * the SHA-256 of the note in hex, a newline, the note, and zeros. The system calls of a write: pwrite64, fdatasync.
 */
export class HighWaterFile implements HighWater {
  readonly #file: string;
  #fd: number | null = null;
  #nextSlot = 0;

  constructor(file: string) {
    this.#file = file;
  }

  async read(): Promise<string | undefined> {
    const bytes = this.#bytes();
    if (bytes === undefined) return undefined;
    const slots = [0, 1].map((slot) => bytes.subarray(slot * SLOT_BYTES, (slot + 1) * SLOT_BYTES));
    const marks = slots.map(decodeSlot);
    const newest = (marks[0]?.size ?? -1) >= (marks[1]?.size ?? -1) ? 0 : 1;
    this.#nextSlot = marks[newest] === undefined ? 0 : 1 - newest;
    // A first write that was cut short leaves one slot that is broken and one that was never used: nothing was shown to anybody.
    const neverWritten = slots[1]?.every((byte) => byte === 0) === true;
    if (marks[newest] === undefined && !neverWritten) {
      throw new StartRefusedError("log-damaged", `${this.#file} is damaged: it holds no checkpoint`);
    }
    return marks[newest]?.note;
  }

  async write(note: string): Promise<void> {
    const slot = Buffer.alloc(SLOT_BYTES);
    const text = utf8(note);
    if (text.length > SLOT_BYTES - TEXT_OFFSET)
      throw new RangeError(`a high-water mark has at most ${SLOT_BYTES - TEXT_OFFSET} bytes`);
    slot.write(`${encodeHex(nativeSha256(text))}\n`, "latin1");
    slot.set(text, TEXT_OFFSET);
    // On this thread, as the database's own commits: in the thread pool it would wait for the signature checks of entries.
    this.#fd ??= await this.#open();
    writeFully(this.#fd, slot, this.#nextSlot * SLOT_BYTES);
    fdatasyncSync(this.#fd);
    this.#nextSlot = 1 - this.#nextSlot;
  }

  async close(): Promise<void> {
    if (this.#fd !== null) closeSync(this.#fd);
    this.#fd = null;
  }

  #bytes(): Buffer | undefined {
    try {
      return readFileSync(this.#file);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
      throw error;
    }
  }

  /** Opens the file. A new one gets its full length and its name on disk first, so that a later write changes nothing but a slot. */
  async #open(): Promise<number> {
    // Which slot is the older one must be known before one is overwritten.
    if ((await this.read()) !== undefined) return openSync(this.#file, "r+");
    const fd = openSync(this.#file, "w", 0o644);
    writeFully(fd, Buffer.alloc(2 * SLOT_BYTES), 0);
    fsyncSync(fd);
    sync(dirname(this.#file));
    return fd;
  }
}

function decodeSlot(slot: Uint8Array): { readonly note: string; readonly size: number } | undefined {
  const end = slot.indexOf(0, TEXT_OFFSET);
  const text = slot.subarray(TEXT_OFFSET, end < 0 ? slot.length : end);
  const digest = Buffer.from(slot.subarray(0, TEXT_OFFSET)).toString("latin1");
  if (digest !== `${encodeHex(nativeSha256(text))}\n`) return undefined;
  const note = decodeUtf8(text);
  return { note, size: parseCheckpoint(parseNote(note).text).size };
}
