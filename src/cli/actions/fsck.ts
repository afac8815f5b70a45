// Recomputes everything in a log's database from its entries.
import { existsSync } from "node:fs";
import { type HighWater, HighWaterFile } from "../../log/checkpointing/high-water.ts";
import { type FsckReport, fsck } from "../../log/maintenance/fsck.ts";
import { openSnapshot } from "../../log/store/open-store.ts";
import { AnswerIsNo, type CliContext, show, UsageError } from "../context.ts";
import { readConfig } from "../open-log.ts";

interface FsckOptions {
  readonly config: string;
  readonly json?: boolean;
}

export async function runFsck(
  backup: string | undefined,
  options: FsckOptions,
  context: CliContext,
): Promise<void> {
  const storage = backup === undefined ? readConfig(options.config, context).storage : undefined;
  const mark = storage === undefined ? NO_MARK : new HighWaterFile(storage.highWater);
  const report = await checkDatabase(storage?.database ?? backup ?? "", mark, context);
  show(context, options, { sound: report.findings.length === 0, ...report }, linesOf(report));
  if (report.findings.length > 0) throw new AnswerIsNo("");
}

/** A copy is behind what the log has signed, and nothing is wrong with that. */
const NO_MARK: Pick<HighWater, "read"> = { read: async () => undefined };

/** The mark is read first: a log that goes on writing is ahead of it then, and never behind. */
async function checkDatabase(
  file: string,
  mark: Pick<HighWater, "read">,
  { interactive, warn }: CliContext,
): Promise<FsckReport> {
  if (!existsSync(file)) throw new UsageError(`${file}: there is no such database`);
  const note = await mark.read();
  const store = await openSnapshot(file);
  try {
    return await fsck(store, { read: async () => note }, (entries) => {
      if (interactive) warn(`${entries} entries`);
    });
  } finally {
    await store.close();
  }
}

function linesOf({ entries, checkpoints, attachments, findings }: FsckReport): string[] {
  const checked = `${entries} entries, ${checkpoints} checkpoints, ${attachments} attachments`;
  if (findings.length === 0) return [`sound: ${checked}`];
  return [
    `DAMAGED: ${findings.length} findings in ${checked}`,
    ...findings.map(({ check, detail }) => `  ${check}: ${detail}`),
  ];
}
