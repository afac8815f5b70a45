// Implements `touchstone mirror`: keeps a verified static copy of a log in a folder that any web server can serve.
import type { Command } from "commander";
import type { CliContext } from "../context.ts";
import { GZIP_BESIDE, parseAddress, parsePositive, parseSource } from "../options.ts";

export function define(command: Command, context: CliContext): void {
  command
    .argument("<url>", "base URL of the log or of another mirror, host:port, or folder", parseSource)
    .argument("<dir>", "folder of the copy; a new one, or one that this command made")
    .option("--trust <file>", "trust-root.json of the log: what you pin")
    .option(
      "--tofu",
      "pin the log's own entry 0 on first use instead: it proves nothing about whose log it is",
    )
    .option("--every <seconds>", "go on: look for what is new so often, until stopped", parsePositive)
    .option(
      "--serve <address>",
      "go on, and serve the copy at this host:port meanwhile; every 10 s unless --every says otherwise",
      parseAddress,
    )
    .option(...GZIP_BESIDE)
    .addHelpText(
      "after",
      "\nExample:\n  touchstone mirror https://log.example.com /var/www/log --trust trust-root.json --every 10",
    )
    .action(async (url, folder, options) => {
      const { runMirror } = await import("../actions/mirror.ts");
      await runMirror(url, folder, options, context);
    });
}
