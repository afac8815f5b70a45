// Builds the file of the index from the entries of a long log at once: their keys are gathered first, and go into the tree in their order.
import type { LogReader } from "../store/log-store.ts";
import type { IndexState } from "./index-file.ts";
import type { ThreadedIndex } from "./threaded-index.ts";

/** Entries that are read and gathered at once. */
const STEP_ENTRIES = 512;

export interface BuiltLog {
  readonly store: Pick<LogReader, "readLeaves">;
  /** Root of the tree over the first `size` entries, which are durable. */
  readonly rootAt: (size: number) => Promise<Uint8Array>;
}

/**
 * Builds the index of the first `size` entries.
 * @param file an empty one. @returns null where the signal was aborted: the file is made anew when it is opened the next time.
 */
export async function buildAtOnce(
  file: ThreadedIndex,
  { store, rootAt }: BuiltLog,
  size: number,
  signal: AbortSignal,
): Promise<IndexState | null> {
  for (let from = 0; from < size; from += STEP_ENTRIES) {
    if (signal.aborted) return null;
    await file.stage(from, await leavesOf(store, from, Math.min(size, from + STEP_ENTRIES)));
  }
  return file.build(size, await rootAt(size), signal);
}

/** @throws Error where the store lacks some of them. */
export async function leavesOf(store: BuiltLog["store"], from: number, to: number): Promise<Uint8Array[]> {
  const leaves = await store.readLeaves(from, to);
  if (leaves.length !== to - from) throw new Error(`entries from ${from} on are missing from the store`);
  return leaves;
}
