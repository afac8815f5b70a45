// Moves a log to another store, such as from a file to a database of several machines: it is copied while nobody writes, and the old one is
// put out of the way, so that no configuration that is left over serves it.
import type { HighWater } from "../checkpointing/high-water.ts";
import { loadLog, requireFounded } from "../start-checks.ts";
import type { TreeHead } from "../store/log-store.ts";
import { openStore, retireStore } from "../store/open-store.ts";
import type { StoreLocation } from "../store/store-location.ts";
import { type CopyProgress, copyLog } from "./copy-log.ts";

export interface MoveOptions {
  readonly from: StoreLocation;
  /** Empty, not there yet, or with what an earlier move that was cut short has copied. */
  readonly to: StoreLocation;
  /** The log's, which both have behind them: an old copy is not moved. */
  readonly highWater: HighWater;
  readonly now: Date;
  readonly onProgress?: CopyProgress;
}

export interface Moved {
  readonly head: TreeHead;
  /** Where the old store is now. */
  readonly retired: string;
}

/**
 * Moves a log. Both stores are open for writing meanwhile: who serves the log has to be stopped. Cut short, it is to be run again.
 * @throws StartRefusedError as a start of either does: "log-in-use", "log-empty", "database-behind", "high-water-missing", …;
 *   "log-not-empty" where another log is in the store to move to.
 */
export async function moveLog({ from, to, highWater, now, onProgress }: MoveOptions): Promise<Moved> {
  const source = await openStore(from, now);
  let head: TreeHead;
  try {
    requireFounded((await loadLog(source, highWater)).state);
    const target = await openStore(to, now);
    try {
      head = await copyLog(source, target, onProgress);
      await loadLog(target, highWater);
    } finally {
      await target.close();
    }
  } finally {
    await source.close();
  }
  return { head, retired: await retireStore(from) };
}
