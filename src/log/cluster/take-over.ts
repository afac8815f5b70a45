// Takes a log over: everything that a start checks, at every change of hands, before anything is signed.
import type { LogConfig } from "../config.ts";
import { StartRefusedError } from "../errors.ts";
import { Log } from "../log.ts";
import { loadToLead } from "../open-or-create.ts";
import type { Shown } from "../published-log.ts";

/** The times that this machine would sign are refused by others when its clock is further off than this. */
const MAX_CLOCK_DIFFERENCE_MS = 30_000;

/** @throws StartRefusedError; the writer is still open then. */
export async function takeOver(config: LogConfig, shown: Shown): Promise<Log> {
  requireSameTime(config.writer.takenAt, config.clock());
  return Log.lead(config, await loadToLead(config), shown);
}

function requireSameTime(store: Date, here: Date): void {
  const difference = here.getTime() - store.getTime();
  if (Math.abs(difference) <= MAX_CLOCK_DIFFERENCE_MS) return;
  const seconds = Math.round(Math.abs(difference) / 1000);
  throw new StartRefusedError(
    "wrong-clock",
    `this machine's clock is ${seconds} seconds ${difference > 0 ? "ahead of" : "behind"} the database's: set it right (NTP); until then this process does not lead`,
  );
}
