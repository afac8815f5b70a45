// touchstone policy: draft, sign, publish, renew and show policies.
import type { Command } from "commander";
import { referencesInProfile } from "../../protocol/entry/policy.ts";
import { describeReference } from "../../protocol/entry/reference.ts";
import { findEntry } from "../../publisher/client/lookup.ts";
import { draftPolicy, placeAfter } from "../../publisher/policy/draft-policy.ts";
import { signEnvelope } from "../../publisher/signing/sign.ts";
import { readSigningKey } from "../../publisher/signing/signing-key.ts";
import { type CliContext, show, UsageError } from "../context.ts";
import { logClient } from "../log-client.ts";
import { DEFAULT_URL, parsePositive } from "../options.ts";
import { addPublishTo } from "../publish-command.ts";
import { publishEnvelope } from "../publish-files.ts";
import { addSignTo } from "../sign-command.ts";
import { addPolicyDraft } from "./policy/draft.ts";

interface RenewOptions {
  readonly key: readonly string[];
  readonly to: string;
  readonly days: number;
  readonly trust?: string;
  readonly json?: boolean;
}

export function addPolicy(program: Command, context: CliContext): Command {
  const policy = program.command("policy").description("policies: which releases are acceptable now");
  addPolicyDraft(policy, context);
  addSignTo(policy, context, "touchstone policy sign policy.json --key keys/policy.pem");
  addPublishTo(policy, context, "touchstone policy publish policy.dsse.json");
  addRenew(policy, context);
  addShow(policy, context);
  return policy;
}

function addRenew(policy: Command, context: CliContext): void {
  policy
    .command("renew <name>")
    .description("publish the newest version again as the next one, in force from now")
    .requiredOption("--key <file|env:NAME...>", "private keys of the policy role")
    .option("--to <url>", "base URL of the log", DEFAULT_URL)
    .option("--days <number>", "how long it is to be in force", parsePositive, 30)
    .option("--trust <file>", "trust-root.json: verify the proof's signatures")
    .addHelpText("after", "\nExample:\n  touchstone policy renew prod --key keys/policy.pem --days 30")
    .action(async (name: string, options: RenewOptions) => {
      const newest = await findEntry(logClient(options.to, context), { kind: "policy", name });
      if (newest === undefined) throw new UsageError(`the log has no policy ${name}`);
      const content = newest.statement.predicate;
      const payload = draftPolicy(placeAfter(name, newest, options.days, context.now()), content);
      const keys = options.key.map((source) => readSigningKey(source, context.environment));
      const published = await publishEnvelope(
        signEnvelope({ payload, signatures: [] }, keys),
        options,
        context,
      );
      show(context, options, { index: published.index, version: content.version + 1 }, [
        `policy ${name} version ${content.version + 1}: entry ${published.index}`,
      ]);
    });
}

function addShow(policy: Command, context: CliContext): void {
  policy
    .command("show <name>")
    .description("the newest version, as the log says; `bundle verify` checks it")
    .option("--to <url>", "base URL of the log", DEFAULT_URL)
    .addHelpText("after", "\nExample:\n  touchstone policy show prod")
    .action(async (name: string, options: { to: string; json?: boolean }) => {
      const found = await findEntry(logClient(options.to, context), { kind: "policy", name });
      if (found === undefined) throw new UsageError(`the log has no policy ${name}`);
      const content = found.statement.predicate;
      show(context, options, content, [
        `policy ${name} version ${content.version}, entry ${found.index}, in force ${content.validFrom} to ${content.expires}`,
        ...content.profiles.flatMap((profile) => [
          `profile ${profile.id}`,
          ...referencesInProfile(profile).map((reference) => `  ${describeReference(reference)}`),
        ]),
      ]);
    });
}
