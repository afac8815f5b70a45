// Implements LogStore on SQLite: one file, one writer, every append synced. What writes is in a thread of its own; what reads is here,
// on a connection that sees everything that was committed and nothing else.
import { ownId } from "../leadership.ts";
import type { Append, LogStore, PublishedCheckpoint } from "../log-store.ts";
import { openForReading } from "./open.ts";
import { SqliteLogWriter } from "./sqlite-log-writer.ts";
import { SqliteReader } from "./sqlite-reader.ts";

export class SqliteLogStore extends SqliteReader implements LogStore {
  readonly #writer: SqliteLogWriter;
  #closed: Promise<void> | null = null;

  private constructor(file: string, writer: SqliteLogWriter) {
    super(openForReading(file));
    this.#writer = writer;
  }

  /** @throws StartRefusedError "log-in-use" | "schema-unknown" | "log-damaged". */
  static async open(file: string, now: Date): Promise<SqliteLogStore> {
    const candidate = { id: ownId(), address: null };
    const writer = await SqliteLogWriter.open(file, now, candidate);
    try {
      return new SqliteLogStore(file, writer);
    } catch (error) {
      await writer.close();
      throw error;
    }
  }

  get epoch(): number {
    return this.#writer.epoch;
  }

  get takenAt(): Date {
    return this.#writer.takenAt;
  }

  get renewedAt(): number {
    return this.#writer.renewedAt;
  }

  get lost(): AbortSignal {
    return this.#writer.lost;
  }

  append(expectedSize: number, append: Append): Promise<void> {
    return this.#writer.append(expectedSize, append);
  }

  addCheckpoint(checkpoint: PublishedCheckpoint): Promise<void> {
    return this.#writer.addCheckpoint(checkpoint);
  }

  probe(): Promise<void> {
    return this.#writer.probe();
  }

  renew(): Promise<void> {
    return this.#writer.renew();
  }

  override close(): Promise<void> {
    this.#closed ??= this.#finish();
    return this.#closed;
  }

  /** The writer is closed last: SQLite folds the write-ahead log into the file then, and removes it. */
  async #finish(): Promise<void> {
    await super.close();
    await this.#writer.close();
  }
}
