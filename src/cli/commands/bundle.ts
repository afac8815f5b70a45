// touchstone bundle: fetch the current policy bundle of a log, and verify one offline.
import type { Command } from "commander";
import { describeReference } from "../../protocol/entry/reference.ts";
import { MalformedError } from "../../protocol/errors.ts";
import { stepOf } from "../../verifier/bundle/bundle-error.ts";
import { fetchBundle } from "../../verifier/bundle/fetch-policy.ts";
import type { VerifiedBundle } from "../../verifier/bundle/verify-bundle.ts";
import { AnswerIsNo, type CliContext, describeError, judging, show } from "../context.ts";
import { writeOutput } from "../files.ts";
import { DEFAULT_URL, parsePositive, parseTime } from "../options.ts";
import { verifyBundleFile } from "../verify-bundle-file.ts";

export function addBundle(program: Command, context: CliContext): void {
  const bundle = program
    .command("bundle")
    .description("policy bundles: what verifiers fetch before they trust a quote");
  bundle
    .command("fetch <name>")
    .description("fetch the current bundle of a policy (not verified by that)")
    .option("--to <url>", "base URL of the log", DEFAULT_URL)
    .option("--since <size>", "ask for the consistency proof from this tree size", parsePositive)
    .requiredOption("-o, --output <file>", "where to write it")
    .addHelpText(
      "after",
      "\nExample:\n  touchstone bundle fetch prod --to https://log.example.com -o prod.bundle.json",
    )
    .action(async (name: string, options: { to: string; since?: number; output: string; json?: boolean }) => {
      const bytes = await judging(() =>
        fetchBundle({ url: options.to, name, fetch: context.fetch }, options.since),
      );
      writeOutput(options.output, bytes);
      show(context, options, { output: options.output, bytes: bytes.length }, [
        `${options.output}: ${bytes.length} bytes`,
      ]);
    });
  bundle
    .command("verify <file>")
    .description("verify a bundle offline: six steps, each of which can say no")
    .requiredOption("--trust <file>", "trust-root.json of the log: what you pin")
    .option("--state <file>", "what was remembered of this log; created on the first visit")
    .option("--now <time>", "verify as of this time (RFC 3339) instead of now", parseTime)
    .addHelpText(
      "after",
      "\nExample:\n  touchstone bundle verify prod.bundle.json --trust trust-root.json --state state.json",
    )
    .action(async (file: string, options: VerifyOptions) => {
      const verified = await verifyBundleFile(
        { ...options, bundle: file },
        options.now ?? context.now(),
        (error) => refuse(error, options, context),
      );
      show(context, options, describeVerified(verified), verifiedLines(verified));
    });
}

interface VerifyOptions {
  readonly trust: string;
  readonly state?: string;
  readonly now?: Date;
  readonly json?: boolean;
}

/** A refused bundle is an answer, exit 1, also where its bytes are no bundle at all; --json says which of the six steps said no. */
function refuse(error: unknown, options: VerifyOptions, context: CliContext): never {
  const { code, message } = describeError(error);
  if (options.json !== true && !(error instanceof MalformedError)) throw error;
  show(context, options, { verified: false, step: stepOf(code) ?? null, code, message }, [
    `rejected: ${message}`,
  ]);
  throw new AnswerIsNo("");
}

function describeVerified(verified: VerifiedBundle): unknown {
  return {
    verified: true,
    origin: verified.checkpoint.origin,
    treeSize: verified.checkpoint.size,
    policy: {
      name: verified.policy.name,
      version: verified.policy.version,
      index: verified.policyIndex,
      expires: verified.policy.expires,
    },
    statusSequence: verified.status.sequence,
    entries: [...verified.entries.values()].map(({ record }) => describeReference(record)),
    asOf: verified.asOf.toISOString(),
  };
}

function verifiedLines({ policy, policyIndex, checkpoint, status, entries, asOf }: VerifiedBundle): string[] {
  return [
    `verified: policy ${policy.name} version ${policy.version}, entry ${policyIndex} of ${checkpoint.origin} at size ${checkpoint.size}`,
    `in force until ${policy.expires}; status ${status.sequence} good until ${status.expires}; as of ${asOf.toISOString()}`,
    ...[...entries.values()].map(({ record }) => `  ${describeReference(record)}, entry ${record.index}`),
  ];
}
