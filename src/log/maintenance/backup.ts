// Copies a log's database while a service writes to it, whichever back end it is on, into the file of a SQLite database. The high-water
// file is left out on purpose: a restored backup must be recognised as old.
import { existsSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import { sync } from "../../node/durable-file.ts";
import { FileError } from "../../node/file-error.ts";
import type { TreeHead } from "../store/log-store.ts";
import { copyStore, makeWhole, openSnapshot, openStore } from "../store/open-store.ts";
import type { PostgresLocation, StoreLocation } from "../store/store-location.ts";
import { GrowingTree } from "../tree/growing-tree.ts";
import { type CopyProgress, copyLog } from "./copy-log.ts";

export interface BackupOptions {
  /** When the copy is made. */
  readonly now: Date;
  readonly onProgress?: CopyProgress;
}

/**
 * Copies a database, also while a service writes to it, and checks that the copy's tree leads to its root.
 * @param destination must not exist.
 * @returns the tree head of the copy, which is durable then.
 * @throws StartRefusedError "schema-unknown" | "log-damaged"; FileError when the destination exists.
 */
export async function backUp(
  source: StoreLocation,
  destination: string,
  options: BackupOptions,
): Promise<TreeHead> {
  if (existsSync(destination)) throw new FileError(destination, "exists; a backup never overwrites anything");
  if (typeof source === "string") await copyStore(source, destination);
  else await writeCopy(source, destination, options);
  sync(destination);
  sync(dirname(destination));
  return checkCopy(destination);
}

/** Nothing is left of a copy that failed: what is there is whole. */
async function writeCopy(
  source: PostgresLocation,
  destination: string,
  { now, onProgress }: BackupOptions,
): Promise<void> {
  const snapshot = await openSnapshot(source);
  try {
    const copy = await openStore(destination, now);
    try {
      await copyLog(snapshot, copy, onProgress);
    } finally {
      await copy.close();
    }
    makeWhole(destination);
  } catch (error) {
    for (const end of ["", "-wal", "-shm", "-writer"]) rmSync(`${destination}${end}`, { force: true });
    throw error;
  } finally {
    await snapshot.close();
  }
}

async function checkCopy(file: string): Promise<TreeHead> {
  const store = await openSnapshot(file);
  try {
    const head = await store.head();
    await GrowingTree.load(store, head);
    return head;
  } finally {
    await store.close();
  }
}
