// Implements `touchstone demo`: the whole story on example data. A log is founded, a release is published, a policy is made of it, a
// verifier checks the bundle offline and appraises machines with it, a revocation takes effect. Everything is real but the machines.
import type { Command } from "commander";
import type { CliContext } from "../context.ts";
import { parsePort } from "../options.ts";

export function define(command: Command, context: CliContext): void {
  command
    .option("--dir <dir>", "folder for the log, kept afterwards (default: a temporary one, gone afterwards)")
    .option("--port <number>", "port to serve on; 0 takes a free one", parsePort, 0)
    .option("--once", "end instead of serving on")
    .addHelpText("after", "\nExample:\n  touchstone demo --once")
    .action(async (options) => {
      const { runDemo } = await import("../actions/demo.ts");
      await runDemo(options, context);
    });
}
