// Implements `touchstone witness`: founds a witness for logs of others, and runs it.
import type { Command } from "commander";
import type { CliContext } from "../context.ts";
import { parsePort } from "../options.ts";

export function define(witness: Command, context: CliContext): void {
  witness
    .command("init <dir>")
    .description("make a witness in a folder: its keys, its memory, its configuration")
    .requiredOption(
      "--name <name>",
      "name of its keys: a host and path that stay yours, such as witness.example.com/w1",
    )
    .option("--only <algorithm>", "make one key alone, ed25519 or ml-dsa-44; unless given, one of each")
    .addHelpText("after", "\nExample:\n  touchstone witness init witness --name witness.example.com/w1")
    .action(async (dir, options) => {
      const { runWitnessInit } = await import("../actions/witness.ts");
      await runWitnessInit(dir, options, context);
    });
  witness
    .command("serve")
    .description("run the witness until it is told to stop; prints one line with its URL when it is ready")
    .option("--config <file>", "configuration that `witness init` wrote", "witness.toml")
    .option(
      "--port <number>",
      "port to listen on instead of the configured one; 0 takes a free one",
      parsePort,
    )
    .addHelpText("after", "\nExample:\n  touchstone witness serve --config witness/witness.toml")
    .action(async (options) => {
      const { runWitnessServe } = await import("../actions/witness.ts");
      await runWitnessServe(options, context);
    });
}
