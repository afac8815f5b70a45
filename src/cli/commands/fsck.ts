// Implements `touchstone fsck`: recomputes everything in a log's database from its entries alone, offline or while the log is served.
import type { Command } from "commander";
import type { CliContext } from "../context.ts";

export function define(command: Command, context: CliContext): void {
  command
    .arguments("[backup]")
    .option("--config <file>", "configuration of the log, where no backup is named", "touchstone.toml")
    .option("--objects", "read the copy in the configured bucket, too, and hold each object against the log")
    .addHelpText("after", "\nExample:\n  touchstone fsck --config log/touchstone.toml")
    .action(async (backup, options) => {
      const { runFsck } = await import("../actions/fsck.ts");
      await runFsck(backup, options, context);
    });
}
