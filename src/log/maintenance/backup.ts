// Copies a log's database while a service writes to it. The high-water file is left out on purpose: a restored backup must be
// recognised as old.
import { existsSync } from "node:fs";
import { dirname } from "node:path";
import { sync } from "../../node/durable-file.ts";
import { FileError } from "../../node/file-error.ts";
import type { TreeHead } from "../store/log-store.ts";
import { copyStore, openSnapshot } from "../store/open-store.ts";
import { GrowingTree } from "../tree/growing-tree.ts";

/**
 * Copies a database, also while a service writes to it, and checks that the copy's tree leads to its root.
 * @param destination must not exist.
 * @returns the tree head of the copy, which is durable then.
 * @throws StartRefusedError "schema-unknown" | "log-damaged"; FileError when the destination exists.
 */
export async function backUp(source: string, destination: string): Promise<TreeHead> {
  if (existsSync(destination)) throw new FileError(destination, "exists; a backup never overwrites anything");
  await copyStore(source, destination);
  sync(destination);
  sync(dirname(destination));
  return checkCopy(destination);
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
