// Implements LogWriter on SQLite: calls of a thread of its own (writer-thread.ts), in their order.
import { SqliteMissingError } from "../../../node/sqlite.ts";
import { Thread } from "../../../node/thread.ts";
import {
  ConflictError,
  LeadershipLostError,
  type StartRefusalCode,
  StartRefusedError,
} from "../../errors.ts";
import type { Candidate } from "../leadership.ts";
import type { Append, LogWriter, PublishedCheckpoint } from "../log-store.ts";
import { packAppend } from "./packed-append.ts";
import type { WriterCall, WriterSetup } from "./writer-thread.ts";

export class SqliteLogWriter implements LogWriter {
  readonly epoch: number;
  readonly takenAt: Date;
  readonly #thread: Thread<WriterCall>;
  readonly #lost = new AbortController();
  #closed: Promise<void> | null = null;

  private constructor(thread: Thread<WriterCall>, epoch: number, takenAt: Date) {
    this.#thread = thread;
    this.epoch = epoch;
    this.takenAt = takenAt;
  }

  /** @throws StartRefusedError "log-in-use" | "schema-unknown" | "log-damaged". */
  static async open(file: string, now: Date, candidate: Candidate): Promise<SqliteLogWriter> {
    const setup: WriterSetup = { file, now, candidate };
    const thread = new Thread<WriterCall>(new URL("./writer-thread.ts", import.meta.url), setup, revive);
    try {
      const epoch = (await thread.call({ step: "open" })) as number;
      return new SqliteLogWriter(thread, epoch, now);
    } catch (error) {
      await thread.close();
      throw error;
    }
  }

  /** The lock on the file is there for as long as this process. */
  get renewedAt(): number {
    return performance.now();
  }

  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  async append(expectedSize: number, append: Append): Promise<void> {
    const packed = packAppend(append);
    await this.#call({ append: packed, expectedSize }, [packed.bytes.buffer]);
  }

  async addCheckpoint(checkpoint: PublishedCheckpoint): Promise<void> {
    await this.#call({ checkpoint });
  }

  async probe(): Promise<void> {
    await this.#call({ step: "probe" });
  }

  async renew(): Promise<void> {
    await this.#call({ step: "renew" });
  }

  close(): Promise<void> {
    this.#closed ??= this.#finish();
    return this.#closed;
  }

  async #call(call: WriterCall, transfer: readonly ArrayBuffer[] = []): Promise<void> {
    try {
      await this.#thread.call(call, transfer);
    } catch (error) {
      if (error instanceof LeadershipLostError) this.#lost.abort(error);
      throw error;
    }
  }

  async #finish(): Promise<void> {
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
  if (name === "LeadershipLostError") return new LeadershipLostError(message);
  if (name === "StartRefusedError") return new StartRefusedError(code as StartRefusalCode, message);
  if (name === "SqliteMissingError") return new SqliteMissingError(message);
  return Object.assign(new Error(message), { name, code });
}
