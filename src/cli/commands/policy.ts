// Implements `touchstone policy`: draft, sign, publish, renew, show and export policies.
import type { Command } from "commander";
import type { CliContext } from "../context.ts";
import { DEFAULT_URL, KEY_FORMS, parseName, parsePositive, parseUrl, RECORD } from "../options.ts";
import { addPublishTo } from "../publish-command.ts";
import { addSignTo } from "../sign-command.ts";
import { addPolicyDraft } from "./policy/draft.ts";
import { addPolicyExport } from "./policy/export.ts";

export function define(policy: Command, context: CliContext): void {
  addPolicyDraft(policy, context);
  addSignTo(policy, context, "touchstone policy sign policy.json --key keys/policy.pem");
  addPublishTo(policy, context, "touchstone policy publish policy.dsse.json");
  addRenew(policy, context);
  addShow(policy, context);
  addPolicyExport(policy, context);
}

function addRenew(policy: Command, context: CliContext): void {
  policy
    .command("renew")
    .argument("<name>", "name of the policy", parseName)
    .description("publish the newest version again as the next one, in force from now")
    .requiredOption("--key <key...>", `keys of the policy role: ${KEY_FORMS}`)
    .option("--to <url>", "base URL of the log", parseUrl, DEFAULT_URL)
    .option("--days <number>", "how long it is to be in force", parsePositive, 30)
    .option("--trust <file>", "trust-root.json: the log that is meant, and whose proof is verified")
    .option(...RECORD)
    .addHelpText("after", "\nExample:\n  touchstone policy renew prod --key keys/policy.pem --days 30")
    .action(async (name, options) => {
      const { runRenew } = await import("../actions/policy.ts");
      await runRenew(name, options, context);
    });
}

function addShow(policy: Command, context: CliContext): void {
  policy
    .command("show")
    .argument("<name>", "name of the policy", parseName)
    .description("the newest version, as the log says; `bundle verify` checks it")
    .option("--to <url>", "base URL of the log", parseUrl, DEFAULT_URL)
    .addHelpText("after", "\nExample:\n  touchstone policy show prod")
    .action(async (name, options) => {
      const { runShow } = await import("../actions/policy.ts");
      await runShow(name, options, context);
    });
}
