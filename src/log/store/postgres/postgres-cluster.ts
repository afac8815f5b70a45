// Implements ClusterStore on PostgreSQL: sessions that read and one that hears of commits, which the logs of a process share, and one in
// which a candidate waits and writes.
import type { ClusterStore } from "../leadership.ts";
import { type Migration, readMigrations } from "../migrations.ts";
import { SharedSessions } from "../shared-sessions.ts";
import type { PostgresLocation } from "../store-location.ts";
import { MIGRATIONS_FOLDER, prepareSchema } from "./open.ts";
import { PostgresLeadership } from "./postgres-leadership.ts";
import { PostgresReader } from "./postgres-reader.ts";
import { Sources } from "./sources.ts";

export class PostgresCluster implements ClusterStore {
  readonly sources: Sources;
  readonly reader: PostgresReader;
  readonly leadership: PostgresLeadership;

  private constructor(
    location: PostgresLocation,
    migrations: readonly Migration[],
    sessions: SharedSessions | undefined,
  ) {
    const sources = new Sources(location, sessions ?? new SharedSessions());
    this.sources = sources;
    this.reader = new PostgresReader(sources, sources.notices);
    this.leadership = new PostgresLeadership({
      location,
      asker: sources.primary,
      migrations,
      spreads: sessions !== undefined,
      onLeading: (writer) => sources.follow(writer),
    });
  }

  /**
   * @param sessions of a process that opens several logs: other processes do, too, and each leads its share.
   * @throws StartRefusedError "schema-unknown" | "log-damaged"; Error of the driver.
   */
  static async open(
    location: PostgresLocation,
    sessions?: SharedSessions,
    migrationsFolder: string = MIGRATIONS_FOLDER,
  ): Promise<PostgresCluster> {
    const migrations = readMigrations(migrationsFolder);
    await prepareSchema(location, migrationsFolder);
    return new PostgresCluster(location, migrations, sessions);
  }

  get primarySize(): (() => Promise<number>) | null {
    return this.sources.hasReplicas ? async () => (await this.sources.look(this.sources.primary)).size : null;
  }

  close(): Promise<void> {
    return this.sources.close();
  }
}
