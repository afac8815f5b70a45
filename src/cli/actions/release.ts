// Runs the steps of a release: describe, sign, publish, draft the policy.
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { openSigners } from "../../node/signing/open-signer.ts";
import type { Signer } from "../../node/signing/signer.ts";
import { describeReference } from "../../protocol/entry/reference.ts";
import { MalformedError } from "../../protocol/errors.ts";
import { parseTlogPolicy } from "../../protocol/note/tlog-policy.ts";
import { type Forecast, forecastRelease } from "../../publisher/release/forecast.ts";
import { type Plan, parsePlan, planPath, statementPath } from "../../publisher/release/plan.ts";
import { prepareRelease } from "../../publisher/release/prepare.ts";
import { publishRelease } from "../../publisher/release/publish-release.ts";
import { parseReleaseFile, type ReleaseFile } from "../../publisher/release/release-file.ts";
import type { ReleaseTools } from "../../publisher/release/release-tools.ts";
import { conclusion } from "../../publisher/release/summary.ts";
import { parseTrustFile } from "../../verifier/bundle/trust-pin.ts";
import { AnswerIsNo, type CliContext, show, UsageError } from "../context.ts";
import { readOwn, writeOutput } from "../files.ts";
import { logClient } from "../log-client.ts";
import { type IdentityOptions, openIdentity } from "../open-identity.ts";
import { recordExpected } from "../record-expected.ts";

interface ReleaseOptions extends IdentityOptions {
  readonly output?: string;
  readonly dryRun?: boolean;
  readonly prepare?: string;
  readonly publish?: string;
  readonly record?: string;
  readonly json?: boolean;
}

interface Keys {
  readonly publisher: readonly Signer[];
  readonly policy: readonly Signer[];
}

export async function runReleaseFile(
  file: string,
  options: ReleaseOptions,
  context: CliContext,
): Promise<void> {
  await await runRelease(file, options, context);
}

async function runRelease(file: string, options: ReleaseOptions, context: CliContext): Promise<void> {
  const { output, dryRun, prepare, publish } = options;
  if ([output, dryRun, prepare, publish].filter((option) => option !== undefined).length > 1)
    throw new UsageError("give one of --output, --dry-run, --prepare and --publish");
  const release = readOwn(file, (bytes) =>
    parseReleaseFile(new TextDecoder().decode(bytes), {
      file,
      environment: context.environment,
      artefactsMustExist: publish === undefined,
    }),
  );
  const folder = prepare ?? publish ?? output ?? `${file.replace(/\.toml$/, "")}.d`;
  if (dryRun === true) await tryRelease(release, options, context);
  else if (prepare !== undefined) await prepareOnly(release, folder, options, context);
  else {
    const tools = toolsFor(release, context);
    const keys = await openKeys(release, context);
    if (publish === undefined && keys.publisher.length === 0 && options.identity === undefined)
      throw new UsageError(`${file}: keys.publisher: not given; --prepare and --publish let others sign`);
    const plan =
      publish === undefined
        ? await prepareRelease(release, folder, tools)
        : readOwn(planPath(folder), parsePlan);
    await publishPlan(release, plan, folder, keys, options, context);
  }
}

async function publishPlan(
  release: ReleaseFile,
  plan: Plan,
  folder: string,
  keys: Keys,
  options: ReleaseOptions,
  context: CliContext,
): Promise<void> {
  const { root } = readOwn(release.log.trust, parseTrustFile);
  const tools = toolsFor(release, context);
  const identity = await openIdentity(options, tools.client, context);
  recordExpected(options.record, plan.policy === null ? plan.entries : [...plan.entries, plan.policy]);
  const summary = await publishRelease(
    plan,
    {
      folder,
      publisherKeys: keys.publisher,
      policyKeys: keys.policy,
      identity,
      logPolicy: parseTlogPolicy(root.logPolicy),
    },
    tools,
  );
  const { entries, policy } = summary;
  const lines = [...entries, ...(policy === null ? [] : [policy])].map(
    ({ entry, index, outcome }) =>
      `${entry}: entry ${index}${outcome === "known" ? " (was in the log already)" : ""}`,
  );
  show(context, options, summary, [
    ...lines,
    conclusion(summary),
    `proofs and summary: ${join(folder, "summary.md")}`,
  ]);
}

async function prepareOnly(
  release: ReleaseFile,
  folder: string,
  options: ReleaseOptions,
  context: CliContext,
): Promise<void> {
  const plan = await prepareRelease(release, folder, toolsFor(release, context));
  const all = plan.policy === null ? plan.entries : [...plan.entries, plan.policy];
  recordExpected(options.record, all);
  show(context, options, { folder, ...plan }, [
    ...all.map((entry) => `${describeReference(entry)} sha256:${entry.digest}`),
    "review and sign each, where the key is:",
    ...all.map(({ table }) => `  touchstone sign ${statementPath(folder, table)} --key …`),
  ]);
}

/** Everything happens in a folder that is gone afterwards, and the log is only asked. */
async function tryRelease(release: ReleaseFile, options: ReleaseOptions, context: CliContext): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "touchstone-release-"));
  try {
    const tools = toolsFor(release, context);
    const plan = await prepareRelease(release, folder, tools);
    const forecasts = await forecastRelease(plan, await openKeys(release, context), tools.client);
    show(context, options, { dryRun: true, entries: forecasts }, [
      ...forecasts.map(line),
      "dry run: nothing was written or published",
    ]);
    if (forecasts.some(({ outcome }) => outcome === "refused")) throw new AnswerIsNo("");
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function line({ entry, outcome, detail }: Forecast): string {
  const verb = { new: "would be added", known: "is in the log already", refused: "WOULD BE REFUSED" }[
    outcome
  ];
  return `${entry}: ${verb}${detail === "" ? "" : ` (${detail})`}`;
}

/** The error says which key of the file is wrong, and nothing of what was read. */
async function openKeys({ keys }: ReleaseFile, context: CliContext): Promise<Keys> {
  const openRole = (role: keyof Keys) =>
    openSigners(keys[role] ?? [], context).catch((error: unknown) => {
      if (!(error instanceof MalformedError)) throw error;
      throw new MalformedError("release file", error.message, `keys.${role}`);
    });
  return { publisher: await openRole("publisher"), policy: await openRole("policy") };
}

function toolsFor(release: ReleaseFile, context: CliContext): ReleaseTools {
  return {
    client: logClient(release.log.url, context),
    origin: readOwn(release.log.trust, parseTrustFile).origin,
    now: context.now(),
    write: (path, content) => {
      mkdirSync(dirname(path), { recursive: true });
      writeOutput(path, content);
    },
    tell: (text) => {
      if (context.interactive) context.warn(text);
    },
  };
}
