// Implements `touchstone monitor`: watches a log from several vantage points, and tells what is wrong, each class of it apart.
import type { Command } from "commander";
import type { CliContext } from "../context.ts";
import { collect, parseCount, parseName, parsePositive, parseUrl } from "../options.ts";

const HELP = `
Examples:
  touchstone monitor https://log.example.com --trust trust-root.json --state monitor
  touchstone monitor https://log.example.com https://mirror.example.org/log --witness https://witness.example.net \\
    --trust trust-root.json --state monitor --expected expected.toml --every 300 \\
    --webhook https://pager.example.com/hook --webhook-secret env:WEBHOOK_SECRET

Classes: tamper, stranger, freshness, witness, infrastructure. docs/monitoring.md says what each of them means, and what to do.`;

export function define(command: Command, context: CliContext): void {
  command
    .arguments("<url...>")
    .requiredOption("--trust <file>", "trust-root.json of the log: what everything is authenticated from")
    .requiredOption("--state <dir>", "folder of what is remembered, and of the proofs that are found")
    .option("--witness <url>", "monitoring prefix of a witness; may be repeated", collectUrl)
    .option("--expected <file>", "expected.toml: what is watched, and whose entries are the owner's own")
    .option("--policy <name>", "tell of the expiry of this policy, not of all; may be repeated", collectName)
    .option("--patience <seconds>", "tell of an outage when it has lasted so long", parseCount, 600)
    .option("--slow <seconds>", "an answer that takes longer is slow", parsePositive, 10)
    .option("--every <seconds>", "go on, one round in so many seconds, until SIGTERM", parsePositive)
    .option(
      "--alert <class>",
      "class that is sent to the webhook and decides the exit code; may be repeated (default: all)",
      collect,
    )
    .option("--webhook <url>", "send each change there", parseUrl)
    .option("--webhook-secret <file|env:NAME>", "what signs it: whsec_ and base64")
    .option(
      "--prometheus <file>",
      "write metrics there after each round, for node_exporter's textfile collector",
    )
    .option("--acknowledge <id>", "only say that somebody has looked at this finding")
    .addHelpText("after", HELP)
    .action(async (urls, options) => {
      const { runMonitor } = await import("../actions/monitor.ts");
      await runMonitor(urls, options, context);
    });
}

const collectUrl = (value: string, earlier?: readonly string[]) => collect(parseUrl(value), earlier);
const collectName = (value: string, earlier?: readonly string[]) => collect(parseName(value), earlier);
