// Implements `touchstone entries`: look things up in a log. What is shown is what the log says; its proofs are checked by `proof` and
// `audit`.
import type { Command } from "commander";
import type { CliContext } from "../context.ts";
import { DEFAULT_URL, parseUrl } from "../options.ts";

export function define(entries: Command, context: CliContext): void {
  entries
    .command("list")
    .description("newest entries first")
    .option("--to <url>", "base URL of the log", parseUrl, DEFAULT_URL)
    .option("--kind <kind>", "only this kind")
    .option("--name <name>", "only this name")
    .option("--limit <number>", "how many", "20")
    .addHelpText("after", "\nExample:\n  touchstone entries list --kind os-image")
    .action(async (options) => {
      const { runList } = await import("../actions/entries.ts");
      await runList(options, context);
    });
  entries
    .command("find <value>")
    .description("entries that name a digest (sha256:… or sha384:…) or were signed by a key (key:…)")
    .option("--to <url>", "base URL of the log", parseUrl, DEFAULT_URL)
    .addHelpText(
      "after",
      "\nExample:\n  touchstone entries find sha256:26c1faa45ee2cdbef2b33695d97a03623eecc143e0312053e35c7b7502a74112",
    )
    .action(async (value0, options) => {
      const { runFind } = await import("../actions/entries.ts");
      await runFind(value0, options, context);
    });
  entries
    .command("show <index>")
    .description("one entry: statement, signers, when it was logged, what revoked it")
    .option("--to <url>", "base URL of the log", parseUrl, DEFAULT_URL)
    .addHelpText("after", "\nExample:\n  touchstone entries show 3")
    .action(async (value0, options) => {
      const { runShow } = await import("../actions/entries.ts");
      await runShow(value0, options, context);
    });
}
