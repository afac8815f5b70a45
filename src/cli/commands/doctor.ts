// Implements `touchstone doctor`: looks at a log's whole set-up at once, also while it is served, and changes nothing.
import type { Command } from "commander";
import type { CliContext } from "../context.ts";

export function define(command: Command, context: CliContext): void {
  command
    .option("--config <file>", "configuration of the log", "touchstone.toml")
    .addHelpText("after", "\nExample:\n  touchstone doctor --config log/touchstone.toml")
    .action(async (options) => {
      const { runDoctor } = await import("../actions/doctor.ts");
      await runDoctor(options, context);
    });
}
