// Implements `touchstone audit`: replays a whole log as a stranger, and says everything that is wrong with it.
import { type Command, Option } from "commander";
import type { CliContext } from "../context.ts";
import { parseName, parseSource } from "../options.ts";

export function define(command: Command, context: CliContext): void {
  command
    .argument("[url]", "base URL of the log, host:port, folder of a mirror, or file of a backup", parseSource)
    .option("--trust <file>", "trust-root.json of the log: what you pin")
    .option(
      "--tofu",
      "pin the log's own entry 0 on first use instead: it proves nothing about whose log it is",
    )
    .option("--state <file>", "remember what was audited: resume, audit only what is new, and notice a fork")
    .addOption(
      new Option("--depth <depth>", "the tree alone, every entry by the rules, or the attachments, too")
        .choices(["tiles", "entries", "everything"])
        .default("everything"),
    )
    .option("--bundle <file>", "hold a policy bundle that somebody was given against the replayed tree")
    .option("--policy <name>", "the policy that the bundle must be of", parseName)
    .option("--proof <file>", "hold a .tlog-proof against it, of the .dsse.json beside it")
    .option("--strict", "end with 1, too, when some part of the log was not checked")
    .option(
      "--split-view <file>",
      "ask no log: verify a proof that the log signed two trees, with --trust alone",
    )
    .addHelpText(
      "after",
      "\nExamples:\n  touchstone audit https://log.example.com --trust trust-root.json --state audit.db\n  touchstone audit backup.db --trust trust-root.json --strict\n  touchstone audit https://log.example.com --trust trust-root.json --bundle prod.bundle.json --policy prod\n  touchstone audit --split-view split-view.json --trust trust-root.json",
    )
    .action(async (url, options) => {
      if (options.splitView !== undefined) {
        const { runSplitView } = await import("../actions/audit/split-view.ts");
        return runSplitView(url, options, context);
      }
      const { runAudit } = await import("../actions/audit.ts");
      await runAudit(url, options, context);
    });
}
