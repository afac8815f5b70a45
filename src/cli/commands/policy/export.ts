// Implements `touchstone policy export`: what a policy accepts, in a format that other verifiers read.
import { type Command, Option } from "commander";
import type { CliContext } from "../../context.ts";
import { judgeOnce } from "../../judge-once.ts";
import { parseTime } from "../../options.ts";

const EXAMPLE = `
Examples:
  touchstone policy export --format rvps --bundle prod.bundle.json --policy prod --trust trust-root.json -o rvps.json
  touchstone policy export --format corim --sign keys/view.pem --bundle prod.bundle.json --policy prod \\
    --trust trust-root.json -o prod.corim.cose

What each format cannot say is in docs/interop.md.`;

export function addPolicyExport(policy: Command, context: CliContext): void {
  policy
    .command("export")
    .description("what policies accept, for verifiers that read another format; the bundle is verified first")
    .addOption(
      new Option("--format <name>", "what to write")
        .choices(["corim", "rvps", "flashbots", "dstack"])
        .makeOptionMandatory(),
    )
    .requiredOption("--bundle <file...>", "policy bundle, as `bundle fetch` wrote it; several make a union")
    .requiredOption("--policy <name...>", "the policy that each bundle must be of, in the same order")
    .requiredOption("--trust <file>", "trust-root.json of the log: what you pin")
    .option("--state <file>", "what was remembered of this log; created on the first visit")
    .option("--sign <key>", "private key of whoever exports: a signed CoRIM")
    .option("--now <time>", "verify as of this time (RFC 3339) instead of now", parseTime)
    .requiredOption("-o, --output <file>", "where to write it")
    .addHelpText("after", EXAMPLE)
    .action(async (options) => {
      judgeOnce();
      const { runExport } = await import("../../actions/policy/export.ts");
      await runExport(options, context);
    });
}
