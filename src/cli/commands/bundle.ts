// Implements `touchstone bundle`: fetch the current policy bundle of a log, verify one offline, and carry it beside an image in a registry.
import type { Command } from "commander";
import type { CliContext } from "../context.ts";
import { judgeOnce } from "../judge-once.ts";
import { DEFAULT_URL, parsePositive, parseTime, parseUrl } from "../options.ts";

export function define(bundle: Command, context: CliContext): void {
  bundle
    .command("fetch <name>")
    .description("fetch the current bundle of a policy (not verified by that); what is none replaces no file")
    .option("--to <url>", "base URL of the log", parseUrl, DEFAULT_URL)
    .option("--state <file>", "ask for the consistency proof from what this file remembers, if it is there")
    .option("--since <size>", "or from this tree size", parsePositive)
    .requiredOption("-o, --output <file>", "where to write it")
    .addHelpText(
      "after",
      "\nExample:\n  touchstone bundle fetch prod --to https://log.example.com --state state.json -o prod.bundle.json",
    )
    .action(async (name, options) => {
      const { runFetch } = await import("../actions/bundle.ts");
      await runFetch(name, options, context);
    });
  bundle
    .command("verify <file>")
    .description("verify a bundle offline: six steps, each of which can say no")
    .requiredOption("--policy <name>", "the policy that it must be of")
    .requiredOption("--trust <file>", "trust-root.json of the log: what you pin")
    .option("--state <file>", "what was remembered of this log; created on the first visit")
    .option("--now <time>", "verify as of this time (RFC 3339) instead of now", parseTime)
    .addHelpText(
      "after",
      "\nExample:\n  touchstone bundle verify prod.bundle.json --policy prod --trust trust-root.json --state state.json",
    )
    .action(async (file, options) => {
      judgeOnce();
      const { runVerify } = await import("../actions/bundle.ts");
      await runVerify(file, options, context);
    });
  bundle
    .command("attach <image>")
    .description("push a bundle to a registry, as a referrer of an image (REGISTRY/NAME@sha256:…)")
    .requiredOption("--bundle <file>", "policy bundle, as `bundle fetch` wrote it")
    .addHelpText(
      "after",
      "\nExample:\n  touchstone bundle attach ghcr.io/acme/guest@sha256:$DIGEST --bundle prod.bundle.json\n\nCredentials are those of docker's config.json (DOCKER_CONFIG).",
    )
    .action(async (image, options) => {
      const { runAttach } = await import("../actions/bundle-referrers.ts");
      await runAttach(image, options, context);
    });
  bundle
    .command("find <image>")
    .description("the bundle beside an image in a registry, if one verifies; where none does, ask the log")
    .requiredOption("--policy <name>", "the policy that it must be of")
    .requiredOption("--trust <file>", "trust-root.json of the log: what you pin")
    .option("--state <file>", "what was remembered of this log; created on the first visit")
    .option("--now <time>", "verify as of this time (RFC 3339) instead of now", parseTime)
    .requiredOption("-o, --output <file>", "where to write it")
    .addHelpText(
      "after",
      "\nExample:\n  touchstone bundle find ghcr.io/acme/guest@sha256:$DIGEST --policy prod --trust trust-root.json -o prod.bundle.json",
    )
    .action(async (image, options) => {
      judgeOnce();
      const { runFind } = await import("../actions/bundle-referrers.ts");
      await runFind(image, options, context);
    });
}
