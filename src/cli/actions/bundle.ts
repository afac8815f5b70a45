// Fetches a policy bundle, and verifies one offline.
import { existsSync } from "node:fs";
import { parsePolicyBundle } from "../../protocol/bundle/policy-bundle.ts";
import { decodeUtf8 } from "../../protocol/encoding/text.ts";
import { describeReference } from "../../protocol/entry/reference.ts";
import { MalformedError } from "../../protocol/errors.ts";
import { stepOf } from "../../verifier/bundle/bundle-error.ts";
import { fetchBundle } from "../../verifier/bundle/fetch-policy.ts";
import { treeOf } from "../../verifier/bundle/merge-states.ts";
import { parseState } from "../../verifier/bundle/remembered-state.ts";
import type { VerifiedBundle } from "../../verifier/bundle/verify-bundle.ts";
import { AnswerIsNo, type CliContext, describeError, judging, show, UsageError } from "../context.ts";
import { readOwn, writeOutput } from "../files.ts";
import { verifyBundleFile } from "../verify-bundle-file.ts";

interface FetchOptions {
  readonly to: string;
  readonly state?: string;
  readonly since?: number;
  readonly output: string;
  readonly json?: boolean;
}

interface VerifyOptions {
  readonly policy: string;
  readonly trust: string;
  readonly state?: string;
  readonly now?: Date;
  readonly json?: boolean;
}

export async function runFetch(name: string, options: FetchOptions, context: CliContext): Promise<void> {
  const since = sinceOf(options);
  const bytes = await judging(async () => {
    const fetched = await fetchBundle({ url: options.to, name, fetch: context.fetch }, since);
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

/** Without the proof from there, a verifier with that state would refuse the bundle. */
function sinceOf({ state, since }: FetchOptions): number | undefined {
  if (state === undefined) return since;
  if (since !== undefined) throw new UsageError("give one of --state and --since");
  if (!existsSync(state)) return undefined;
  return treeOf(readOwn(state, (bytes) => parseState(decodeUtf8(bytes)))).size;
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
