// Checks what makes the start of a log refuse, in the same words.
import type { HighWater } from "../checkpointing/high-water.ts";
import { loadStored, requireExtended, requireFounded, requireMarkKept } from "../start-checks.ts";
import type { LogReader } from "../store/log-store.ts";
import type { FsckFindings } from "./fsck-finding.ts";

/**
 * What makes a start refuse. A log that goes on writing is ahead of the mark that was read before the store, and never behind it; what it
 * has published is never ahead of the mark that is read after.
 */
export async function checkStart(
  store: LogReader,
  highWater: Pick<HighWater, "read"> | null,
  findings: FsckFindings,
): Promise<void> {
  const before = await findings.refusable("high-water", () => highWater?.read());
  const stored = await findings.refusable("start", () => loadStored(store));
  const after = await findings.refusable("high-water", () => highWater?.read());
  if (stored === undefined) return;
  await findings.refusable("start", () => requireFounded(stored.state));
  if (highWater === null || findings.has("high-water")) return;
  const isTorn = before?.isTorn === true && after?.isTorn === true;
  const kept = after && { ...after, isTorn };
  await findings.refusable("high-water", () => requireMarkKept(stored, kept));
  if (!findings.has("high-water"))
    await findings.refusable("high-water", () => requireExtended(stored, before));
}
