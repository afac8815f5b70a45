// Says how a log stands: who leads it, what is in its store, what it has signed, and what a failover would lose. It changes nothing.
import type { HighWaterMark } from "../../log/checkpointing/high-water.ts";
import { StartRefusedError } from "../../log/errors.ts";
import { loadStored, requireExtended, requireMarkKept } from "../../log/start-checks.ts";
import type { Leader } from "../../log/store/leadership.ts";
import type { LogReader } from "../../log/store/log-store.ts";
import { openCluster, openSnapshot, replicationOf } from "../../log/store/open-store.ts";
import type { Replication } from "../../log/store/store-inspection.ts";
import { describeLocation, type StoreLocation } from "../../log/store/store-location.ts";
import { parseCheckpoint } from "../../protocol/note/checkpoint.ts";
import { parseNote } from "../../protocol/note/signed-note.ts";
import { AnswerIsNo, type CliContext, show } from "../context.ts";
import { openHighWater } from "../open-high-water.ts";
import { readConfig } from "../open-log.ts";
import { existingStoreOf } from "../store-of.ts";

interface Standing {
  readonly store: string;
  readonly leader: Leader | null;
  /** Entries that are recorded, published and signed for; null where there is nothing yet. */
  readonly size: number;
  readonly published: number | null;
  readonly signed: number | null;
  /** Null for a file. */
  readonly replication: Replication | null;
  /** What is wrong, a sentence each. */
  readonly problems: readonly string[];
}

export async function runDoctor(
  options: { readonly config: string; readonly json?: boolean },
  context: CliContext,
): Promise<void> {
  const config = readConfig(options.config, context);
  const location = await existingStoreOf(config, context);
  const mark = await (await openHighWater(config.storage, context)).read();
  const standing = await standingOf(location, mark, context);
  show(context, options, standing, linesOf(standing));
  if (standing.problems.length > 0) throw new AnswerIsNo();
}

async function standingOf(
  location: StoreLocation,
  mark: HighWaterMark | undefined,
  { now }: Pick<CliContext, "now">,
): Promise<Standing> {
  const problems: string[] = [];
  const replication =
    typeof location === "string" ? null : await refusable(problems, () => replicationOf(location));
  if (replication != null) problems.push(...problemsOf(replication));
  // It refuses a schema that is not the newest, so that nothing is brought up to date here.
  const snapshot = await openSnapshot(location);
  try {
    await refusable(problems, () => checkStart(snapshot, mark));
    return {
      store: describeLocation(location),
      leader: await leaderOf(location, now),
      size: (await snapshot.head()).size,
      published: (await snapshot.newestCheckpoint())?.size ?? null,
      signed: mark === undefined ? null : parseCheckpoint(parseNote(mark.note).text).size,
      replication: replication ?? null,
      problems,
    };
  } finally {
    await snapshot.close();
  }
}

/** What a start checks: the mark was read before the store, so a log that is served meanwhile is ahead of it and never behind. */
async function checkStart(store: LogReader, mark: HighWaterMark | undefined): Promise<void> {
  const stored = await loadStored(store);
  if (mark === undefined) requireMarkKept(stored, mark);
  await requireExtended(stored, mark);
}

async function leaderOf(location: StoreLocation, now: () => Date): Promise<Leader | null> {
  const cluster = await openCluster(location, now);
  try {
    return await cluster.leadership.leader();
  } finally {
    await cluster.close();
  }
}

function problemsOf({ isRequired, standbys }: Replication): string[] {
  if (!isRequired || standbys.some(({ isSynchronous }) => isSynchronous)) return [];
  return ["no synchronous standby follows the PostgreSQL server: nothing is acknowledged until one does"];
}

async function refusable<T>(problems: string[], run: () => Promise<T>): Promise<T | undefined> {
  try {
    return await run();
  } catch (error) {
    if (!(error instanceof StartRefusedError)) throw error;
    problems.push(error.message);
    return undefined;
  }
}

function linesOf({ store, leader, size, published, signed, replication, problems }: Standing): string[] {
  const entries = (number: number | null) => (number === null ? "nothing yet" : `${number} entries`);
  return [
    `store      ${store}`,
    `leader     ${leader === null ? "nobody" : `${leader.id}, epoch ${leader.epoch}${leader.address === null ? "" : `, at ${leader.address}`}`}`,
    `recorded   ${entries(size)}`,
    `published  ${entries(published)}`,
    `signed     ${entries(signed)}, says the high-water mark`,
    ...(replication === null ? [] : linesOfReplication(replication)),
    ...problems.map((problem) => `WRONG      ${problem}`),
  ];
}

function linesOfReplication({ isRequired, standbys }: Replication): string[] {
  const lines = standbys.map(({ name, isSynchronous, bytesBehind }) => {
    const behind = bytesBehind === null ? "how far is not shown to this role" : `${bytesBehind} bytes behind`;
    return `standby    ${name}, ${isSynchronous ? "synchronous" : "follows late"}, ${behind}`;
  });
  if (isRequired) return lines;
  return [...lines, "failover   would lose what no standby has yet: the server names no synchronous one"];
}
