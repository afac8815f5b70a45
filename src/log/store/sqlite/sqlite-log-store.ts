// Implements LogStore on SQLite: one file, one writer, every append synced. What writes is in a thread of its own; what reads is here,
// on a connection that sees everything that was committed and nothing else.
import { SqliteMissingError } from "../../../node/sqlite.ts";
import { Thread } from "../../../node/thread.ts";
import { ConflictError, type StartRefusalCode, StartRefusedError } from "../../errors.ts";
import type { Append, LogStore, PublishedCheckpoint } from "../log-store.ts";
import { openForReading } from "./open.ts";
import { packAppend } from "./packed-append.ts";
import { SqliteReader } from "./sqlite-reader.ts";
import type { WriterCall, WriterSetup } from "./writer-thread.ts";

export class SqliteLogStore extends SqliteReader implements LogStore {
  readonly #thread: Thread<WriterCall>;
  #closed: Promise<void> | null = null;

  private constructor(file: string, thread: Thread<WriterCall>) {
    super(openForReading(file));
    this.#thread = thread;
  }

  /** @throws StartRefusedError "log-in-use" | "schema-unknown" | "log-damaged". */
  static async open(file: string, now: Date): Promise<SqliteLogStore> {
    const setup: WriterSetup = { file, now };
    const thread = new Thread<WriterCall>(new URL("./writer-thread.ts", import.meta.url), setup, revive);
    try {
      await thread.call({ step: "open" });
      return new SqliteLogStore(file, thread);
    } catch (error) {
      await thread.close();
      throw error;
    }
  }

  async append(expectedSize: number, append: Append): Promise<void> {
    const packed = packAppend(append);
    await this.#thread.call({ append: packed, expectedSize }, [packed.bytes.buffer]);
  }

  async addCheckpoint(checkpoint: PublishedCheckpoint): Promise<void> {
    await this.#thread.call({ checkpoint });
  }

  async probe(): Promise<void> {
    await this.#thread.call({ step: "probe" });
  }

  override close(): Promise<void> {
    this.#closed ??= this.#finish();
    return this.#closed;
  }

  /** The writer is closed last: SQLite folds the write-ahead log into the file then, and removes it. */
  async #finish(): Promise<void> {
    await super.close();
    try {
      await this.#thread.call({ step: "close" });
    } finally {
      await this.#thread.close();
    }
  }
}

/** An error of the thread as it was thrown there, with the class by which it is told apart. */
function revive({ name, message, code = "" }: { name: string; message: string; code?: string }): Error {
  if (name === "ConflictError") return new ConflictError(message);
  if (name === "StartRefusedError") return new StartRefusedError(code as StartRefusalCode, message);
  if (name === "SqliteMissingError") return new SqliteMissingError(message);
  return Object.assign(new Error(message), { name, code });
}
