// Keeps the high-water mark: the largest checkpoint that the log has signed, in a file outside the database. It is what tells a database
// that lost its newest entries (a restored backup) from one that never had them, so it is never part of a backup.
import * as nodeFs from "node:fs";
import { dirname } from "node:path";
import { type FileSystem, sync, writeFully } from "../../node/durable-file.ts";
import { nativeSha256 } from "../../node/sha256.ts";
import { encodeHex } from "../../protocol/encoding/hex.ts";
import { decodeUtf8, utf8 } from "../../protocol/encoding/text.ts";
import { parseCheckpoint } from "../../protocol/note/checkpoint.ts";
import { parseNote } from "../../protocol/note/signed-note.ts";
import { MarkMovedError, StartRefusedError } from "../errors.ts";

/** The largest checkpoint that was written. */
export interface HighWaterMark {
  /** The checkpoint with the log's signature. */
  readonly note: string;
  /** Whether what stands beside it is broken, as a write leaves it that a crash cut short. */
  readonly isTorn: boolean;
}

export interface HighWater {
  /** The mark, or undefined where there is none; it is remembered for `swap`. @throws StartRefusedError "log-damaged". */
  read(): Promise<HighWaterMark | undefined>;
  /**
   * Compare-and-swap: puts the note of a larger checkpoint in the place of what this object has read or written last; one that did
   * neither expects nothing there. It is durable once this resolves; a crash before leaves the one written before.
   * @throws MarkMovedError when something else stands there; nothing was written.
   */
  swap(note: string): Promise<void>;
  close(): Promise<void>;
}

/** The system calls that are made here; a test passes ones that it watches. */
export type HighWaterFileSystem = FileSystem & Pick<typeof nodeFs, "fdatasyncSync" | "readFileSync">;

/** A page of the disk each. Notes of checkpoints with the log's signature alone are a tenth of that. */
const SLOT_BYTES = 4096;
const FILE_BYTES = 2 * SLOT_BYTES;
/** Behind the digest and its newline. */
const TEXT_OFFSET = 65;

/**
 * A high-water mark in a file of two slots, written in turn: while one is being written the other holds the mark before. A slot is
 * the SHA-256 of the note in hex, a newline, the note, and zeros. The system calls that write one: pwrite64, fdatasync. The first mark of
 * a file is written to both, so that from then on a slot that holds none is broken. The file is read before every write, so that one
 * which another process changed is noticed; that two write at the same moment is kept out by the lock of the database beside it.
 */
export class HighWaterFile implements HighWater {
  readonly #file: string;
  readonly #fs: HighWaterFileSystem;
  #fd: number | null = null;
  #nextSlot = 0;
  /** What stood there when it was read or written last. */
  #last: string | null;
  /** What a write that failed may have left. */
  #tried: string | undefined;

  /** @param last what was read or written last by somebody for whom this one goes on. */
  constructor(file: string, fs: HighWaterFileSystem = nodeFs, last: string | null = null) {
    this.#file = file;
    this.#fs = fs;
    this.#last = last;
  }

  /** It opens the file anew for the next write: another process may have written to it, or put another one in its place. */
  async read(): Promise<HighWaterMark | undefined> {
    await this.close();
    const mark = this.#look();
    this.#last = mark?.note ?? null;
    return mark;
  }

  /** What stands there. It also tells which slot is the older one, before one is overwritten; a slot that a failed write left counts as older. */
  #look(): HighWaterMark | undefined {
    const { mark, nextSlot } = this.#find();
    if (this.#fd === null && this.#tried === undefined) this.#nextSlot = nextSlot;
    return mark;
  }

  #find(): { readonly mark: HighWaterMark | undefined; readonly nextSlot: number } {
    const none = { mark: undefined, nextSlot: 0 };
    const bytes = this.#bytes();
    if (bytes === undefined || bytes.every((byte) => byte === 0)) return none;
    if (bytes.length !== FILE_BYTES) this.#refuse(`it has ${bytes.length} bytes, not ${FILE_BYTES}`);
    const slots = [0, 1].map((slot) => bytes.subarray(slot * SLOT_BYTES, (slot + 1) * SLOT_BYTES));
    const marks = slots.map(decodeSlot);
    const newest = (marks[0]?.size ?? -1) >= (marks[1]?.size ?? -1) ? 0 : 1;
    const mark = marks[newest];
    const isTorn = marks[1 - newest] === undefined;
    if (mark !== undefined) return { mark: { note: mark.note, isTorn }, nextSlot: 1 - newest };
    // A first write that was cut short leaves one slot that is broken and one that was never used: nothing was shown to anybody.
    if (slots[1]?.some((byte) => byte !== 0) === true) this.#refuse("it holds no checkpoint");
    return none;
  }

  async swap(note: string): Promise<void> {
    const slot = encodeSlot(note);
    const stands = this.#look()?.note ?? null;
    if (stands !== this.#last && stands !== this.#tried) throw new MarkMovedError(stands);
    this.#last = stands;
    this.#tried = note;
    if (this.#fd === null && stands === null) {
      this.#fd = this.#create();
      this.#writeSlot(this.#fd, slot);
    }
    this.#fd ??= this.#fs.openSync(this.#file, "r+");
    this.#writeSlot(this.#fd, slot);
    this.#last = note;
    this.#tried = undefined;
  }

  async close(): Promise<void> {
    if (this.#fd !== null) this.#fs.closeSync(this.#fd);
    this.#fd = null;
  }

  /** On this thread, as the database's own commits: in the thread pool it would wait for the signature checks of entries. */
  #writeSlot(fd: number, slot: Uint8Array): void {
    writeFully(fd, slot, this.#nextSlot * SLOT_BYTES, this.#fs);
    this.#fs.fdatasyncSync(fd);
    this.#nextSlot = 1 - this.#nextSlot;
  }

  #bytes(): Buffer | undefined {
    try {
      return this.#fs.readFileSync(this.#file);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
      throw error;
    }
  }

  /** Makes the file. It gets its full length and its name on disk first, so that a later write changes nothing but a slot. */
  #create(): number {
    const fd = this.#fs.openSync(this.#file, "w", 0o644);
    writeFully(fd, Buffer.alloc(FILE_BYTES), 0, this.#fs);
    this.#fs.fsyncSync(fd);
    sync(dirname(this.#file), this.#fs);
    return fd;
  }

  #refuse(what: string): never {
    throw new StartRefusedError(
      "log-damaged",
      `${this.#file} is damaged: ${what}. It cannot be known what the log has signed; move the file away and run 'touchstone recover --from MIRROR', which writes it anew`,
    );
  }
}

/** @throws RangeError for a note that does not fit. */
function encodeSlot(note: string): Uint8Array {
  const text = utf8(note);
  if (text.length > SLOT_BYTES - TEXT_OFFSET)
    throw new RangeError(`a high-water mark has at most ${SLOT_BYTES - TEXT_OFFSET} bytes`);
  const slot = Buffer.alloc(SLOT_BYTES);
  slot.write(`${encodeHex(nativeSha256(text))}\n`, "latin1");
  slot.set(text, TEXT_OFFSET);
  return slot;
}

function decodeSlot(slot: Uint8Array): { readonly note: string; readonly size: number } | undefined {
  const end = slot.indexOf(0, TEXT_OFFSET);
  const text = slot.subarray(TEXT_OFFSET, end < 0 ? slot.length : end);
  const digest = Buffer.from(slot.subarray(0, TEXT_OFFSET)).toString("latin1");
  if (digest !== `${encodeHex(nativeSha256(text))}\n`) return undefined;
  const note = decodeUtf8(text);
  return { note, size: parseCheckpoint(parseNote(note).text).size };
}
