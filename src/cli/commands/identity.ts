// Implements `touchstone identity`: whom a log lets publish by tokens of a provider, and the provider's keys that it has for that.
import type { Command } from "commander";
import type { CliContext } from "../context.ts";
import { DEFAULT_URL, parseName, parseUrl } from "../options.ts";

export function define(identity: Command, context: CliContext): void {
  identity
    .command("show")
    .description(
      "print the identity rules of the trust root in force, and the keys of their providers in the log",
    )
    .option("--to <url>", "base URL of the log", parseUrl, DEFAULT_URL)
    .addHelpText("after", "\nExample:\n  touchstone identity show --to https://log.example.com")
    .action(async (options) => {
      const { runShow } = await import("../actions/identity.ts");
      await runShow(options, context);
    });
  identity
    .command("snapshot")
    .description(
      "write a statement of a provider's keys as they are now; people look at it, sign and publish it",
    )
    .requiredOption("--issuer <url>", "the provider, as its tokens state it in iss", parseUrl)
    .requiredOption("--name <name>", "what the log calls the provider", parseName)
    .option("--to <url>", "base URL of the log", parseUrl, DEFAULT_URL)
    .requiredOption("-o, --output <file>", "where to write the statement")
    .addHelpText(
      "after",
      "\nExample:\n  touchstone identity snapshot --issuer https://token.actions.githubusercontent.com --name github -o github-keys.json",
    )
    .action(async (options) => {
      const { runSnapshot } = await import("../actions/identity.ts");
      await runSnapshot(options, context);
    });
  identity
    .command("check")
    .description(
      "ask each provider for its keys: ends with 1 where the log lacks one, so that a snapshot is due",
    )
    .option("--to <url>", "base URL of the log", parseUrl, DEFAULT_URL)
    .addHelpText("after", "\nExample:\n  touchstone identity check --to https://log.example.com")
    .action(async (options) => {
      const { runCheck } = await import("../actions/identity.ts");
      await runCheck(options, context);
    });
}
