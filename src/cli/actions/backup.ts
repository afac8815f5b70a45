// Copies a log's database.
import { backUp } from "../../log/maintenance/backup.ts";
import { encodeHex } from "../../protocol/encoding/hex.ts";
import { type CliContext, show } from "../context.ts";
import { readConfig, requireDatabase } from "../open-log.ts";

export async function runBackup(
  file: string,
  options: { config: string; json?: boolean },
  context: CliContext,
): Promise<void> {
  const { storage } = readConfig(options.config, context);
  await requireDatabase(storage);
  const { size, root } = await backUp(storage.database, file);
  show(context, options, { file, size, root: encodeHex(root) }, [`${file}: ${size} entries, durable`]);
}
