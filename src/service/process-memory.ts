// Makes what all logs of a process share of its memory: each limit is the process's, however many logs it serves.
import { BundleMemory } from "./entries/entry-bundles.ts";
import type { BodyBudget } from "./http/body-budget.ts";
import { bodyBudget } from "./routes/publish-entries.ts";
import { type TileMemory, tileMemory } from "./routes/read-path.ts";

export interface ProcessMemory {
  /** Bodies of requests that are under way. */
  readonly bodies: BodyBudget;
  readonly tiles: TileMemory;
  readonly bundles: BundleMemory;
}

export function createProcessMemory(): ProcessMemory {
  return { bodies: bodyBudget(), tiles: tileMemory(), bundles: new BundleMemory() };
}
