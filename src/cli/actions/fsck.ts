// Recomputes everything in a log's database from its entries.
import type { HighWater } from "../../log/checkpointing/high-water.ts";
import { type FsckReport, fsck } from "../../log/maintenance/fsck.ts";
import { inspectIndex } from "../../log/maintenance/fsck-index.ts";
import { mayBePartial, openSnapshot, storeExists } from "../../log/store/open-store.ts";
import type { StoreLocation } from "../../log/store/store-location.ts";
import { type CheckedCopy, checkCopy } from "../../mirror/check-copy.ts";
import { indexOf, type ObjectsConfig } from "../../service/config.ts";
import { checkProgress } from "../check-progress.ts";
import { AnswerIsNo, type CliContext, show, UsageError } from "../context.ts";
import { openHighWater } from "../open-high-water.ts";
import { readConfig } from "../open-log.ts";
import { openObjects } from "../open-objects.ts";
import { existingStoreOf } from "../store-of.ts";

/** As many as of any other check. */
const MAX_SHOWN = 20;

interface FsckOptions {
  readonly config: string;
  readonly objects?: boolean;
  readonly json?: boolean;
}

export async function runFsck(
  backup: string | undefined,
  options: FsckOptions,
  context: CliContext,
): Promise<void> {
  if (backup !== undefined && options.objects === true)
    throw new UsageError("--objects holds the bucket against the log itself, not against a backup");
  const report = backup === undefined ? await checkLog(options, context) : await checkBackup(backup, context);
  show(context, options, { sound: report.findings.length === 0, ...report }, linesOf(report));
  if (report.findings.length > 0) throw new AnswerIsNo("");
}

interface Checked extends FsckReport {
  /** What cannot be decided from the database alone. */
  readonly notes: readonly string[];
}

async function checkLog({ config, objects }: FsckOptions, context: CliContext): Promise<Checked> {
  const read = readConfig(config, context);
  const location = await existingStoreOf(read, context);
  const mark = await openHighWater(read.storage, context);
  const report = await checkDatabase(location, mark, context, indexOf(read.storage).file);
  if (objects !== true) return { ...report, notes: [] };
  if (report.findings.length > 0)
    return { ...report, notes: ["the bucket was not read: there is nothing sound to hold it against"] };
  const copy = await checkBucket(read.storage.objects, location, context);
  const left = copy.findings.length - MAX_SHOWN;
  const details = [...copy.findings.slice(0, MAX_SHOWN), ...(left > 0 ? [`and ${left} more`] : [])];
  const findings = details.map((detail) => ({ check: "objects" as const, detail }));
  return { ...report, findings, notes: [`${copy.objects} objects of a copy of size ${copy.size} were read`] };
}

async function checkBucket(
  config: ObjectsConfig | undefined,
  location: StoreLocation,
  context: CliContext,
): Promise<CheckedCopy> {
  if (config === undefined)
    throw new UsageError("the configuration names no bucket: [storage.objects] is missing");
  const bucket = await openObjects(config, context);
  const opened: Array<{ close(): Promise<void> }> = [];
  try {
    return await checkCopy(bucket, async () => {
      const store = await openSnapshot(location);
      opened.push(store);
      return store;
    });
  } finally {
    for (const store of opened) await store.close();
  }
}

/** A copy is behind what the log has signed, and nothing is wrong with that. */
async function checkBackup(file: string, context: CliContext): Promise<Checked> {
  if (!(await storeExists(file))) throw new UsageError(`${file}: there is no such database`);
  const isPartial = mayBePartial(file);
  const report = await checkDatabase(file, null, context);
  const note = `${file} was copied from a database that may have been in use, and may lack what was in ${file}-wal: it proves nothing about the newest entries. Make backups with 'touchstone backup'`;
  return { ...report, notes: isPartial ? [note] : [] };
}

async function checkDatabase(
  location: StoreLocation,
  mark: Pick<HighWater, "read"> | null,
  context: CliContext,
  indexFile?: string,
): Promise<FsckReport> {
  // Before the store, which so has every entry that the index covers, also while a service writes to both.
  const index = indexFile === undefined ? null : inspectIndex(indexFile);
  const store = await openSnapshot(location);
  try {
    const progress = context.interactive ? { onProgress: checkProgress("checked", context) } : {};
    return await fsck(store, mark, { ...progress, index });
  } finally {
    index?.file?.close();
    await store.close();
  }
}

function linesOf({ entries, checkpoints, attachments, findings, notes }: Checked): string[] {
  const checked = `${entries} entries, ${checkpoints} checkpoints, ${attachments} attachments`;
  const remarks = notes.map((note) => `note: ${note}`);
  if (findings.length === 0) return [`sound: ${checked}`, ...remarks];
  return [
    `DAMAGED: ${findings.length} findings in ${checked}`,
    ...findings.map(({ check, detail }) => `  ${check}: ${detail}`),
    ...remarks,
  ];
}
