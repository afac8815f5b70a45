// Opens where a log is recovered from: a mirror, or the bucket of its own configuration.
import { openSource } from "../auditor/log-source.ts";
import type { ReadPath } from "../log/maintenance/recover.ts";
import type { Config } from "../service/config.ts";
import { type CliContext, UsageError } from "./context.ts";
import { openObjects } from "./open-objects.ts";

/** Names the bucket of the configuration, whose keys read what others may not. */
const OWN_BUCKET = "s3:";

/** @param from `s3:`, or as `openSource` takes it. @throws UsageError where the configuration names no bucket. */
export async function openRecoverySource(
  from: string,
  { storage }: Pick<Config, "storage">,
  context: Pick<CliContext, "environment" | "warn" | "fetch" | "now">,
): Promise<ReadPath> {
  if (from !== OWN_BUCKET) return openSource(from, { fetch: context.fetch });
  if (storage.objects === undefined)
    throw new UsageError("the configuration names no bucket: [storage.objects] is missing");
  const bucket = await openObjects(storage.objects, context);
  return async (path) => (await bucket.get(path))?.bytes;
}
