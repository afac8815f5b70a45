// Moves a log to the store that its configuration names, and checks it there.
import type { HighWater } from "../../log/checkpointing/high-water.ts";
import { fsck } from "../../log/maintenance/fsck.ts";
import { moveLog } from "../../log/maintenance/move-log.ts";
import { openSnapshot, storeExists } from "../../log/store/open-store.ts";
import { describeLocation, type StoreLocation } from "../../log/store/store-location.ts";
import { AnswerIsNo, type CliContext, show, UsageError } from "../context.ts";
import { openHighWater } from "../open-high-water.ts";
import { readConfig } from "../open-log.ts";
import { storeOf } from "../store-of.ts";

interface MigrateStoreOptions {
  readonly from: string;
  readonly config: string;
  readonly json?: boolean;
}

export async function runMigrateStore(options: MigrateStoreOptions, context: CliContext): Promise<void> {
  const config = readConfig(options.config, context);
  const from = options.from.endsWith(".toml")
    ? storeOf(readConfig(options.from, context), context)
    : options.from;
  const to = storeOf(config, context);
  if (describeLocation(from) === describeLocation(to))
    throw new UsageError(`the log is in ${describeLocation(to)} already`);
  if (!(await storeExists(from))) throw new UsageError(`${describeLocation(from)}: there is no log in it`);
  const highWater = await openHighWater(config.storage, context);
  const { head, retired } = await moveLog({
    from,
    to,
    highWater,
    now: context.now(),
    ...(context.interactive && {
      onProgress: (copied: number, entries: number) => context.warn(`moved ${copied} of ${entries}`),
    }),
  });
  const findings = await findingsIn(to, highWater);
  show(context, options, { size: head.size, retired, findings }, [
    `${head.size} entries moved to ${describeLocation(to)}`,
    `the old log is kept as ${retired}, and is to be served no more`,
    ...findings.map(({ check, detail }) => `  ${check}: ${detail}`),
  ]);
  if (findings.length > 0) throw new AnswerIsNo();
}

async function findingsIn(location: StoreLocation, highWater: HighWater) {
  const store = await openSnapshot(location);
  try {
    return (await fsck(store, highWater)).findings;
  } finally {
    await store.close();
  }
}
