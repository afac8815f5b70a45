// Implements `touchstone recover`: brings an old copy of the database up to what the log has signed, from a mirror that is trusted in
// nothing.
import type { Command } from "commander";
import type { CliContext } from "../context.ts";
import { parseSource } from "../options.ts";

export function define(command: Command, context: CliContext): void {
  command
    .requiredOption(
      "--from <mirror>",
      "URL or folder with the log's tiles, entries and checkpoint, or s3: for the configured bucket",
      parseSource,
    )
    .option("--config <file>", "configuration of the log, which must not be running", "touchstone.toml")
    .addHelpText(
      "after",
      "\nExample:\n  touchstone recover --from https://mirror.example.org/log --config log/touchstone.toml",
    )
    .action(async (options) => {
      const { runRecover } = await import("../actions/recover.ts");
      await runRecover(options, context);
    });
}
