// Implements `touchstone serve`: runs the log service until it is told to stop, and then loses nothing that it acknowledged.
import { type Command, Option } from "commander";
import type { CliContext } from "../context.ts";
import { parsePort } from "../options.ts";

export function define(command: Command, context: CliContext): void {
  command
    .option("--config <file>", "configuration that `init` wrote", "touchstone.toml")
    .option(
      "--port <number>",
      "port to listen on instead of the configured one; 0 takes a free one",
      parsePort,
    )
    .addOption(
      new Option("--role <role>", "all: writes when it is its turn; read: answers reads, and needs no keys")
        .choices(["all", "read"])
        .default("all"),
    )
    .addHelpText("after", "\nExample:\n  touchstone serve --config log/touchstone.toml")
    .action(async (options) => {
      const { runServe } = await import("../actions/serve.ts");
      await runServe(options, context);
    });
}
