// touchstone policy: draft, sign, publish, renew and show policies. Drafts are for a human to review before anybody signs.
import type { Command } from "commander";
import { formatTime } from "../protocol/entry/fields.ts";
import type { Policy } from "../protocol/entry/policy.ts";
import { describeReference } from "../protocol/entry/reference.ts";
import { parseJson } from "../protocol/envelope/parse-json.ts";
import { draftPolicy, type PolicyContent, type PolicyPlace } from "../publisher/draft-policy.ts";
import { type FoundEntry, findEntry } from "../publisher/lookup.ts";
import { signEnvelope } from "../publisher/sign.ts";
import { readSigningKey } from "../publisher/signing-key.ts";
import { type CliContext, show, UsageError } from "./context.ts";
import { readInput, writeOutput } from "./files.ts";
import { DEFAULT_URL, parsePositive } from "./options.ts";
import { addPublishTo, logClient, publishEnvelope } from "./publish.ts";
import { addSignTo } from "./sign.ts";

const DAY_MS = 86_400_000;

interface DraftOptions {
  readonly content: string;
  readonly to: string;
  readonly days: number;
  readonly output: string;
  readonly json?: boolean;
}

interface RenewOptions {
  readonly key: readonly string[];
  readonly to: string;
  readonly days: number;
  readonly trust?: string;
  readonly json?: boolean;
}

export function addPolicy(program: Command, context: CliContext): Command {
  const policy = program.command("policy").description("policies: which releases are acceptable now");
  addDraft(policy, context);
  addSignTo(policy, context, "touchstone policy sign policy.json --key keys/policy.pem");
  addPublishTo(policy, context, "touchstone policy publish policy.dsse.json");
  addRenew(policy, context);
  addShow(policy, context);
  return policy;
}

function addDraft(policy: Command, context: CliContext): void {
  policy
    .command("draft <name>")
    .description("write the next version of a policy, to be reviewed and signed")
    .requiredOption("--content <file>", "JSON with svnFloor and profiles, see examples/release/policy.json")
    .option("--to <url>", "base URL of the log, for the version before", DEFAULT_URL)
    .option("--days <number>", "how long it is to be in force", parsePositive, 30)
    .requiredOption("-o, --output <file>", "where to write the statement")
    .addHelpText(
      "after",
      "\nExample:\n  touchstone policy draft prod --content examples/release/policy.json -o policy.json",
    )
    .action(async (name: string, options: DraftOptions) => {
      const content = parseJson(readInput(options.content), 1_000_000) as unknown as PolicyContent;
      const newest = await findEntry(logClient(options.to, context), { kind: "policy", name });
      const payload = draftPolicy(placeAfter(name, newest, options.days, context.now()), content);
      writeOutput(options.output, payload);
      const version = (policyOf(newest)?.version ?? 0) + 1;
      show(context, options, { output: options.output, name, version }, [
        `${options.output}: policy ${name} version ${version}; review it, then sign it`,
      ]);
    });
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
      const content = policyOf(newest);
      if (content === undefined) throw new UsageError(`the log has no policy ${name}`);
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
      const content = policyOf(found);
      if (found === undefined || content === undefined) throw new UsageError(`the log has no policy ${name}`);
      show(context, options, content, [
        `policy ${name} version ${content.version}, entry ${found.index}, in force ${content.validFrom} to ${content.expires}`,
        ...content.profiles.flatMap((profile) => [
          `profile ${profile.id}`,
          ...[
            profile.osImage,
            profile.kernelPatchSet,
            profile.driverBuild,
            profile.gspFirmware,
            ...profile.gpuRims,
            ...profile.platforms,
          ].map((reference) => `  ${describeReference(reference)}`),
        ]),
      ]);
    });
}

function policyOf(found: FoundEntry | undefined): Policy | undefined {
  const statement = found?.envelope.statement;
  return statement?.kind === "policy" ? statement.predicate : undefined;
}

/** The next version of a policy, in force from now on. */
export function placeAfter(
  name: string,
  newest: FoundEntry | undefined,
  days: number,
  now: Date,
): PolicyPlace {
  const version = policyOf(newest)?.version;
  return {
    name,
    previous:
      newest === undefined || version === undefined
        ? null
        : { version, digest: newest.envelope.payloadDigest },
    validFrom: formatTime(now),
    expires: formatTime(new Date(now.getTime() + days * DAY_MS)),
  };
}
