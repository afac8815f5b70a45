// Implements `touchstone export`: writes the static copy of one's own log from its database, for a web server or a CDN in front of it.
import type { Command } from "commander";
import type { CliContext } from "../context.ts";
import { GZIP_BESIDE, parsePositive } from "../options.ts";

export function define(command: Command, context: CliContext): void {
  command
    .argument("<dir>", "folder of the copy; a new one, or one that this command made")
    .option("--config <file>", "configuration of the log", "touchstone.toml")
    .option("--every <seconds>", "go on: export what is new so often, until stopped", parsePositive)
    .option(...GZIP_BESIDE)
    .addHelpText(
      "after",
      "\nExample:\n  touchstone export /var/www/log --config log/touchstone.toml --every 1",
    )
    .action(async (folder, options) => {
      const { runExport } = await import("../actions/export.ts");
      await runExport(folder, options, context);
    });
}
