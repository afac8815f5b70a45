// Opens the store at a location: the path of a SQLite database, or a schema of a PostgreSQL database. Back ends are told apart here, and
// nothing above this file names one. PostgreSQL's is loaded when it is named.
import { renameSync, rmSync } from "node:fs";
import type { ClusterStore } from "./leadership.ts";
import type { LogStore } from "./log-store.ts";
import type { ServerState } from "./server-state.ts";
import type { SharedSessions } from "./shared-sessions.ts";
import { copyDatabase, settle } from "./sqlite/copy.ts";
import { databaseExists, explainDamage, lacksWal } from "./sqlite/file-state.ts";
import { SqliteCluster } from "./sqlite/sqlite-cluster.ts";
import { SqliteLogStore } from "./sqlite/sqlite-log-store.ts";
import { SqliteSnapshot } from "./sqlite/sqlite-snapshot.ts";
import type { InspectedStore } from "./store-inspection.ts";
import { describeLocation, type PostgresLocation, type StoreLocation } from "./store-location.ts";

/**
 * Opens a store for writing, creating it where there is none.
 * @param now goes into the record of schema changes.
 * @param sessions as in openCluster.
 * @throws StartRefusedError "log-in-use" | "schema-unknown" | "log-damaged" | "storage-unsafe".
 */
export async function openStore(
  location: StoreLocation,
  now: Date,
  sessions?: SharedSessions,
): Promise<LogStore> {
  if (typeof location === "string") return SqliteLogStore.open(location, now);
  const { PostgresLogStore } = await import("./postgres/postgres-log-store.ts");
  return PostgresLogStore.open(location, sessions);
}

/**
 * Opens a store that is there for reading, and for becoming the one that writes.
 * @param clock says when an epoch began, where the store has no clock of its own, and when the schema changed.
 * @param sessions what a process that opens several logs gives to each of them, where their database is shared.
 * @throws StartRefusedError "schema-unknown" | "log-damaged".
 */
export async function openCluster(
  location: StoreLocation,
  clock: () => Date,
  sessions?: SharedSessions,
): Promise<ClusterStore> {
  if (typeof location === "string") return SqliteCluster.open(location, clock);
  const { PostgresCluster } = await import("./postgres/postgres-cluster.ts");
  return PostgresCluster.open(location, sessions);
}

/**
 * Opens a store for reading, also while a service writes to it: it stays as it was when it was first read.
 * @throws StartRefusedError "schema-unknown" | "log-damaged"; Error where there is none.
 */
export async function openSnapshot(location: StoreLocation): Promise<InspectedStore> {
  if (typeof location === "string") return new SqliteSnapshot(location);
  const { PostgresSnapshot } = await import("./postgres/postgres-snapshot.ts");
  return PostgresSnapshot.open(location);
}

/** Copies one moment of a store, also while a service writes to it. The copy is not synced. */
export async function copyStore(location: string, destination: string): Promise<void> {
  await copyDatabase(location, destination);
}

/** Makes one file of a SQLite database that was written and closed: it can be read anywhere, and told from one that is in use. */
export function makeWhole(file: string): void {
  settle(file);
  rmSync(`${file}-writer`, { force: true });
}

/** Puts a store out of the way that nobody has open. @returns where it is now. */
export async function retireStore(location: StoreLocation): Promise<string> {
  if (typeof location === "string") {
    const retired = `${location}.moved`;
    renameSync(location, retired);
    rmSync(`${location}-writer`, { force: true });
    return retired;
  }
  const { renameSchema } = await import("./postgres/open.ts");
  return describeLocation({ schema: await renameSchema(location) });
}

/** Whether there is a store at a location. */
export async function storeExists(location: StoreLocation): Promise<boolean> {
  if (typeof location === "string") return databaseExists(location);
  const { schemaExists } = await import("./postgres/open.ts");
  return schemaExists(location);
}

/** Whether what a database acknowledges is kept by another server, too. @throws StoreUnreachableError, StartRefusedError. */
export async function isReplicated(location: PostgresLocation): Promise<boolean> {
  const { namesStandby } = await import("./postgres/server.ts");
  return namesStandby(location);
}

/** What the server of a store says of itself; null where there is none. It only reads. @throws StoreUnreachableError. */
export async function examineServer(location: StoreLocation): Promise<ServerState | null> {
  if (typeof location === "string") return null;
  const { readServer } = await import("./postgres/server.ts");
  return readServer(location);
}

/** Whether what is at a location may be a copy that lacks the newest of what was in it, as a file that was copied while in use does. */
export function mayBePartial(location: string): boolean {
  return lacksWal(location);
}

/** What a store says when it cannot read what it holds, and what to do about it; undefined for any other error. */
export function damageIn(error: unknown): string | undefined {
  const { code, message } = Object(error) as { code?: unknown; message?: string };
  return DAMAGE_STATES.includes(code as string)
    ? `PostgreSQL cannot read it (${message})`
    : explainDamage(error);
}

/** SQLSTATE of data_corrupted and index_corrupted. */
const DAMAGE_STATES: readonly string[] = ["XX001", "XX002"];
