// Fetches a policy bundle, and verifies one offline.
import { parsePolicyBundle } from "../../protocol/bundle/policy-bundle.ts";
import { describeReference } from "../../protocol/entry/reference.ts";
import { MalformedError } from "../../protocol/errors.ts";
import { stepOf } from "../../verifier/bundle/bundle-error.ts";
import { fetchBundle } from "../../verifier/bundle/fetch-policy.ts";
import type { VerifiedBundle } from "../../verifier/bundle/verify-bundle.ts";
import { AnswerIsNo, type CliContext, describeError, judging, show } from "../context.ts";
import { writeOutput } from "../files.ts";
import { verifyBundleFile } from "../verify-bundle-file.ts";

interface VerifyOptions {
  readonly policy: string;
  readonly trust: string;
  readonly state?: string;
  readonly now?: Date;
  readonly json?: boolean;
}

export async function runFetch(
  name: string,
  options: { to: string; since?: number; output: string; json?: boolean },
  context: CliContext,
): Promise<void> {
  const bytes = await judging(async () => {
    const fetched = await fetchBundle({ url: options.to, name, fetch: context.fetch }, options.since);
    requirePolicy(fetched, name);
    return fetched;
  });
  writeOutput(options.output, bytes);
  show(context, options, { output: options.output, bytes: bytes.length }, [
    `${options.output}: ${bytes.length} bytes`,
  ]);
}

/** What is stored under a policy's name is a bundle and says that it is of that policy; whether that is true, `bundle verify` says. */
function requirePolicy(bytes: Uint8Array, name: string): void {
  const { kind, name: found } = parsePolicyBundle(bytes).policy.envelope.statement;
  if (kind !== "policy" || found !== name)
    throw new MalformedError("policy bundle", `asked for policy ${name}, got ${kind} ${found}`);
}

export async function runVerify(file: string, options: VerifyOptions, context: CliContext): Promise<void> {
  const verified = await verifyBundleFile(
    { ...options, bundle: file },
    options.now ?? context.now(),
    (error) => refuse(error, options, context),
  );
  show(context, options, describeVerified(verified), verifiedLines(verified));
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
