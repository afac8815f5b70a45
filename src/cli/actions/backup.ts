// Copies a log's database.
import { backUp } from "../../log/maintenance/backup.ts";
import { encodeHex } from "../../protocol/encoding/hex.ts";
import { type CliContext, show } from "../context.ts";
import { readConfig } from "../open-log.ts";
import { existingStoreOf } from "../store-of.ts";

export async function runBackup(
  file: string,
  options: { config: string; json?: boolean },
  context: CliContext,
): Promise<void> {
  const location = await existingStoreOf(readConfig(options.config, context), context);
  const { size, root } = await backUp(location, file, {
    now: context.now(),
    ...(context.interactive && {
      onProgress: (copied: number, entries: number) => context.warn(`copied ${copied} of ${entries}`),
    }),
  });
  show(context, options, { file, size, root: encodeHex(root) }, [`${file}: ${size} entries, durable`]);
}
