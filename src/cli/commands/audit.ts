// Implements `touchstone audit`: replays a whole log as a stranger, and says everything that is wrong with it.
import type { Command } from "commander";
import type { CliContext } from "../context.ts";
import { parseSource } from "../options.ts";

export function define(command: Command, context: CliContext): void {
  command
    .argument("<url>", "base URL of the log, host:port, or folder of a mirror", parseSource)
    .option("--trust <file>", "trust-root.json of the log: what you pin")
    .option(
      "--tofu",
      "pin the log's own entry 0 on first use instead: it proves nothing about whose log it is",
    )
    .option("--state <file>", "remember what was audited: resume, audit only what is new, and notice a fork")
    .addHelpText(
      "after",
      "\nExample:\n  touchstone audit https://log.example.com --trust trust-root.json --state audit.db",
    )
    .action(async (url, options) => {
      const { runAudit } = await import("../actions/audit.ts");
      await runAudit(url, options, context);
    });
}
