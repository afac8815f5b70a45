// Implements `touchstone serve`: runs the log service until it is told to stop, and then loses nothing that it acknowledged.
import { type Command, Option } from "commander";
import type { CliContext } from "../context.ts";
import { parsePort } from "../options.ts";

export function define(command: Command, context: CliContext): void {
  command
    .option(
      "--config <path>",
      "configuration that `init` wrote; or a folder of them, NAME.toml or NAME/touchstone.toml, whose logs are served together",
      "touchstone.toml",
    )
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
    .addHelpText(
      "after",
      "\nExamples:\n  touchstone serve --config log/touchstone.toml\n  touchstone serve --config logs",
    )
    .action(async (options) => {
      const { runServe } = await import("../actions/serve.ts");
      await runServe(options, context);
    });
}
