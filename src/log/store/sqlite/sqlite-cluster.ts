// Implements ClusterStore on SQLite: one process writes to a file, and others on its machine may read it meanwhile. Nobody waits to be
// the next: what opens a log that is open for writing is refused.
import type { Candidate, ClusterStore, Leader, Leadership } from "../leadership.ts";
import type { LogWriter } from "../log-store.ts";
import { hasOldSchema, isOpenForWriting, openForReading, openForWriting } from "./open.ts";
import { SqliteLogWriter } from "./sqlite-log-writer.ts";
import { SqliteReader } from "./sqlite-reader.ts";

export class SqliteCluster implements ClusterStore, Leadership {
  readonly reader: SqliteReader;
  readonly primarySize = null;
  readonly #file: string;
  readonly #clock: () => Date;

  private constructor(file: string, reader: SqliteReader, clock: () => Date) {
    this.reader = reader;
    this.#file = file;
    this.#clock = clock;
  }

  /** A schema of an older program is brought up to date first. @throws StartRefusedError "log-in-use" | "schema-unknown" | "log-damaged". */
  static async open(file: string, clock: () => Date): Promise<SqliteCluster> {
    if (hasOldSchema(file)) openForWriting(file, { now: clock() }).close();
    return new SqliteCluster(file, new SqliteReader(openForReading(file)), clock);
  }

  get leadership(): Leadership {
    return this;
  }

  async campaign(me: Candidate, signal: AbortSignal): Promise<LogWriter> {
    signal.throwIfAborted();
    return this.leadAtOnce(me);
  }

  leadAtOnce(me: Candidate): Promise<LogWriter> {
    return SqliteLogWriter.open(this.#file, this.#clock(), me);
  }

  async leader(): Promise<Leader | null> {
    return isOpenForWriting(this.#file) ? this.reader.lastLeader() : null;
  }

  close(): Promise<void> {
    return this.reader.close();
  }
}
