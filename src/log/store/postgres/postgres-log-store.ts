// Implements LogStore on PostgreSQL, for a process that writes from the opening to the closing.
import { ownId } from "../leadership.ts";
import type { Append, LogStore, LogWriter, PublishedCheckpoint } from "../log-store.ts";
import type { SharedSessions } from "../shared-sessions.ts";
import type { PostgresLocation } from "../store-location.ts";
import { PostgresCluster } from "./postgres-cluster.ts";
import { PostgresReader } from "./postgres-reader.ts";

export class PostgresLogStore extends PostgresReader implements LogStore {
  readonly #cluster: PostgresCluster;
  readonly #writer: LogWriter;
  #closed: Promise<void> | null = null;

  private constructor(cluster: PostgresCluster, writer: LogWriter) {
    super(cluster.sources, cluster.sources.notices);
    this.#cluster = cluster;
    this.#writer = writer;
  }

  /** @throws StartRefusedError "log-in-use" | "schema-unknown" | "log-damaged" | "storage-unsafe"; Error of the driver. */
  static async open(location: PostgresLocation, sessions?: SharedSessions): Promise<PostgresLogStore> {
    const cluster = await PostgresCluster.open(location, sessions);
    try {
      const me = { id: ownId(), address: null };
      return new PostgresLogStore(cluster, await cluster.leadership.leadAtOnce(me));
    } catch (error) {
      await cluster.close();
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

  async #finish(): Promise<void> {
    await this.#writer.close();
    await this.#cluster.close();
  }
}
