// Keeps processes apart that change one file.
import { DatabaseSync } from "node:sqlite";
import { FileError } from "./file-error.ts";

/** Nobody holds the lock for longer than it takes to write a small file durably. */
const PATIENCE_MS = 30_000;

/**
 * Runs work that reads and replaces a file while no other process, and no other thread, does the same. The lock is an exclusive
 * transaction on an empty database beside the file, which the kernel ends with its process, however that ends: none is ever left over.
 * The empty file stays, since removing it would take the lock from whoever is just getting it.
 * @throws FileError when the lock cannot be had.
 */
export function withFileLock<T>(path: string, work: () => T): T {
  const lock = takeLock(`${path}.lock`);
  try {
    return work();
  } finally {
    lock.close();
  }
}

function takeLock(path: string): DatabaseSync {
  try {
    const lock = new DatabaseSync(path);
    // Not the option `timeout`, which Node has from 22.16 on only and ignores before.
    lock.exec(`PRAGMA busy_timeout = ${PATIENCE_MS}; BEGIN EXCLUSIVE`);
    return lock;
  } catch (error) {
    throw new FileError(path, `cannot be locked: ${error instanceof Error ? error.message : "failed"}`);
  }
}
