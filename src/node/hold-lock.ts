// Keeps a second process away from a folder for as long as this one works in it.
import { DatabaseSync } from "node:sqlite";
import { FileError } from "./file-error.ts";

/**
 * Takes a lock that the kernel ends with this process, however that ends: an exclusive transaction on an empty database, so none is ever left
 * over. The empty file stays.
 * @returns what gives it back.
 * @throws FileError when another process has it, or the file cannot be made.
 */
export function holdLock(path: string, inUse: string): () => void {
  const lock = openLock(path);
  try {
    lock.exec("BEGIN EXCLUSIVE");
    return () => lock.close();
  } catch {
    lock.close();
    throw new FileError(path, inUse);
  }
}

function openLock(path: string): DatabaseSync {
  try {
    return new DatabaseSync(path);
  } catch (error) {
    throw new FileError(path, `cannot be locked: ${error instanceof Error ? error.message : "failed"}`);
  }
}
