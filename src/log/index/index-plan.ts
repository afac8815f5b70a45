// Says how far the index goes next, at which sizes it must stay readable, and which of these it may forget.
import type { InForce } from "../../protocol/registration/in-force.ts";
import type { LogReader } from "../store/log-store.ts";
import type { IndexState } from "./index-file.ts";

/** Entries that are added in one transaction: what somebody who asks meanwhile may have to wait for. */
const STEP_ENTRIES = 512;
/** From so many entries on those of an empty file are built at once, which takes a part of the time. Nobody can ask about them anyway. */
const BUILT_ENTRIES = 4096;
/** Entries that a commit waits for, where its status needs them in the index. */
export const MAX_BEHIND = 4096;
/** Published sizes at which a status may be drafted elsewhere, the newest: the index can still be read at them. */
const KEPT_SIZES = 32;

/** The log at one moment. */
export interface Moment {
  /** After everything durable. */
  readonly registered: InForce;
  /** Under the published checkpoint. */
  readonly published: InForce;
  /** Whether this process issues the statuses. */
  readonly issues: boolean;
}

/** How far the index goes. */
export function targetOf({ registered, published, issues }: Moment): number {
  return issues ? registered.size : published.size;
}

/** Sizes below the one that is served need not be readable, nor those that no status may have any more. */
export function marksFrom({ registered, published }: Moment): number {
  return indexedSize(published) ?? registered.changedAt;
}

/** A status whose size was passed without a mark can only be served by building the index again up to there. */
export function hasPassedServed({ published }: Moment, { size: covered, marks }: IndexState): boolean {
  const size = indexedSize(published);
  return size !== undefined && covered > size && marks.every((mark) => mark.size !== size);
}

/** How many entries an empty file is given at once: those before the first size that somebody may ask about; 0 where they are few. */
export function builtSize(moment: Moment, { size: covered }: IndexState): number {
  const target = targetOf(moment);
  const stated = statedSizes(moment).filter((size) => size > 0);
  // Of those that are long past, nobody drafts a status.
  const drafted = moment.issues ? target : Math.max(marksFrom(moment), target - MAX_BEHIND);
  const size = Math.min(target, drafted, ...stated) - 1;
  return covered === 0 && size >= BUILT_ENTRIES ? size : 0;
}

/** How far it goes next, and whether it must be readable there later. */
export async function nextStop(
  moment: Moment,
  { size: covered }: IndexState,
  store: Pick<LogReader, "checkpointsFrom">,
): Promise<{ readonly stop: number; readonly isMarked: boolean }> {
  const target = targetOf(moment);
  const sizes = statedSizes(moment);
  if (!moment.issues) {
    // Of those that are long past, nobody drafts a status.
    const beyond = Math.max(covered + 1, marksFrom(moment), target - MAX_BEHIND);
    const [published] = await store.checkpointsFrom(beyond, 1);
    if (published !== undefined) sizes.push(published.size);
  }
  const marked = Math.min(...sizes.filter((size) => size > covered && size <= target));
  const stop = Math.min(target, covered + STEP_ENTRIES, marked);
  return { stop, isMarked: stop === marked };
}

/** The marked sizes that nobody asks about any more. @param served those that somebody may be reading at. */
export function forgettable(moment: Moment, { marks }: IndexState, served: readonly number[]): number[] {
  const from = marksFrom(moment);
  const needed = [...statedSizes(moment), ...served];
  const others = marks.map(({ size }) => size).filter((size) => !needed.includes(size));
  return others.filter((size, i) => size < from || i < others.length - KEPT_SIZES);
}

function statedSizes({ registered, published }: Moment): number[] {
  return [registered, published].map((inForce) => indexedSize(inForce) ?? 0);
}

/** The size at which the newest status states an index. */
function indexedSize({ status }: InForce): number | undefined {
  return status !== null && status.indexRoot !== null ? status.treeSize : undefined;
}
