// Defines `publish`, which stands at the top and again under `policy` and `trust-root`, where people look for it.
import type { Command } from "commander";
import { describeReference } from "../protocol/entry/reference.ts";
import { type CliContext, show } from "./context.ts";
import { DEFAULT_URL } from "./options.ts";
import { type PublishOptions, publishFiles } from "./publish-files.ts";

export function addPublishTo(parent: Command, context: CliContext, example: string): void {
  parent
    .command("publish <file...>")
    .description(
      "publish signed entries in the order given, all of them or none; writes a .tlog-proof beside each",
    )
    .option("--to <url>", "base URL of the log", DEFAULT_URL)
    .option("--trust <file>", "trust-root.json: verify the signatures on the proofs, too")
    .addHelpText("after", `\nExample:\n  ${example}`)
    .action(async (files: string[], options: PublishOptions & { readonly json?: boolean }) => {
      const published = await publishFiles(files, options, context);
      const facts = published.map(({ index, outcome, treeSize, envelope }) => ({
        index,
        outcome,
        treeSize,
        entry: describeReference(envelope.statement),
      }));
      const known = (outcome: string) => (outcome === "known" ? " (was in the log already)" : "");
      const lines = facts.map(({ entry, index, outcome }) => `${entry}: entry ${index}${known(outcome)}`);
      show(context, options, facts, lines);
    });
}
