// touchstone backup: copies a log's database while the service goes on writing to it.
import type { Command } from "commander";
import { backUp } from "../../log/maintenance/backup.ts";
import { encodeHex } from "../../protocol/encoding/hex.ts";
import { type CliContext, show } from "../context.ts";
import { readConfig } from "../open-log.ts";

export function addBackup(program: Command, context: CliContext): void {
  program
    .command("backup <file>")
    .description(
      "copy the log's database, also while it is served; keys and the high-water file are not in it",
    )
    .option("--config <file>", "configuration of the log", "touchstone.toml")
    .addHelpText(
      "after",
      "\nExample:\n  touchstone backup /backup/log-2026-11-23.db --config log/touchstone.toml",
    )
    .action(async (file: string, options: { config: string; json?: boolean }) => {
      const { size, root } = await backUp(readConfig(options.config, context).storage.database, file);
      show(context, options, { file, size, root: encodeHex(root) }, [`${file}: ${size} entries, durable`]);
    });
}
