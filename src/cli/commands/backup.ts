// Implements `touchstone backup`: copies a log's database while the service goes on writing to it.
import type { Command } from "commander";
import type { CliContext } from "../context.ts";

export function define(command: Command, context: CliContext): void {
  command
    .arguments("<file>")
    .option("--config <file>", "configuration of the log", "touchstone.toml")
    .addHelpText(
      "after",
      "\nExample:\n  touchstone backup /backup/log-2026-11-23.db --config log/touchstone.toml",
    )
    .action(async (file, options) => {
      const { runBackup } = await import("../actions/backup.ts");
      await runBackup(file, options, context);
    });
}
