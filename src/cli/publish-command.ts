// Defines `publish`, which stands at the top and again under `policy` and `trust-root`, where people look for it.
import type { Command } from "commander";
import type { CliContext } from "./context.ts";
import { addIdentityOptions } from "./identity-options.ts";
import { ALLOW_EXPIRED, DEFAULT_URL, parseUrl, RECORD } from "./options.ts";

/** Adds the same command where people look for it: under what they are about to publish. */
export function addPublishTo(parent: Command, context: CliContext, example: string): void {
  definePublish(parent.command("publish").description("the same as `touchstone publish`"), context, example);
}

export function definePublish(command: Command, context: CliContext, example: string): void {
  addIdentityOptions(command)
    .arguments("<file...>")
    .option("--to <url>", "base URL of the log", parseUrl, DEFAULT_URL)
    .option("--trust <file>", "trust-root.json: verify the signatures on the proofs, too")
    .option(...RECORD)
    .option(...ALLOW_EXPIRED)
    .addHelpText("after", `\nExample:\n  ${example}`)
    .action(async (files, options) => {
      const { runPublish } = await import("./actions/publish.ts");
      await runPublish(files, options, context);
    });
}
