// Implements `touchstone migrate-store`: moves a log that is not served to the store that a configuration names.
import type { Command } from "commander";
import type { CliContext } from "../context.ts";

export function define(command: Command, context: CliContext): void {
  command
    .requiredOption(
      "--from <store>",
      "where the log is: the file of a SQLite database, or a configuration (.toml) that names its store",
    )
    .option("--config <file>", "configuration that names the store to move to", "touchstone.toml")
    .addHelpText(
      "after",
      `
The high-water file stays the log's: both configurations name the same one. Stop every service of the log first.

Example:
  touchstone migrate-store --from log/log.db --config log/touchstone.toml`,
    )
    .action(async (options) => {
      const { runMigrateStore } = await import("../actions/migrate-store.ts");
      await runMigrateStore(options, context);
    });
}
