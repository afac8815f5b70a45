// Defines `sign`, which stands at the top and again under `policy` and `trust-root`, where people look for it. It needs no network.
import type { Command } from "commander";
import type { CliContext } from "./context.ts";
import { ALLOW_EXPIRED, KEY_FORMS } from "./options.ts";

/** Adds the same command where people look for it: under what they are about to sign. */
export function addSignTo(parent: Command, context: CliContext, example: string): void {
  defineSign(parent.command("sign").description("the same as `touchstone sign`"), context, example);
}

export function defineSign(command: Command, context: CliContext, example: string): void {
  command
    .arguments("<file>")
    .requiredOption("--key <key...>", `what signs: ${KEY_FORMS}`)
    .option("-o, --output <file>", "where to write the envelope (default: <file> with .dsse.json)")
    .option(...ALLOW_EXPIRED)
    .addHelpText("after", `\nExample:\n  ${example}`)
    .action(async (file, options) => {
      const { runSign } = await import("./actions/sign.ts");
      await runSign(file, options, context);
    });
}
