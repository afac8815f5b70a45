// Carries a policy bundle beside an image in a registry, and finds it there. What is found counts for nothing until it verifies.
import { parsePolicyBundle } from "../../protocol/bundle/policy-bundle.ts";
import { parseCheckpoint } from "../../protocol/note/checkpoint.ts";
import { parseNote } from "../../protocol/note/signed-note.ts";
import { credentialsFor } from "../../publisher/oci/credentials.ts";
import { parseImageReference } from "../../publisher/oci/image-reference.ts";
import { attachBundle, findBundles } from "../../publisher/oci/referrers.ts";
import { Registry } from "../../publisher/oci/registry.ts";
import type { VerifiedBundle } from "../../verifier/bundle/verify-bundle.ts";
import { AnswerIsNo, type CliContext, describeError, judging, show } from "../context.ts";
import { readOwn, writeOutput } from "../files.ts";
import { verifyBundleBytes } from "../verify-bundle-file.ts";

interface FindOptions {
  readonly policy: string;
  readonly trust: string;
  readonly state?: string;
  readonly now?: Date;
  readonly output: string;
  readonly json?: boolean;
}

export async function runAttach(
  image: string,
  options: { readonly bundle: string; readonly json?: boolean },
  context: CliContext,
): Promise<void> {
  const { digest, registry } = open(image, context);
  const { bytes, about } = readOwn(options.bundle, readBundle);
  const attached = await attachBundle(registry, digest, bytes, about);
  show(context, options, { ...attached, ...about }, [
    `attached: ${attached.digest}, policy ${about.policy} of ${about.origin}`,
    ...(attached.tagged
      ? ["the registry knows no referrers: it is listed under the tag of the image's digest"]
      : []),
  ]);
}

function readBundle(bytes: Uint8Array) {
  const { checkpoint, policy } = parsePolicyBundle(bytes);
  const { origin } = parseCheckpoint(parseNote(checkpoint).text);
  return { bytes, about: { origin, policy: policy.envelope.statement.name } };
}

export async function runFind(image: string, options: FindOptions, context: CliContext): Promise<void> {
  const { digest, registry } = open(image, context);
  const found = await judging(() => findBundles(registry, digest));
  const reasons: string[] = [];
  const good: { bytes: Uint8Array; verified: VerifiedBundle }[] = [];
  for (const bytes of found) {
    const verified = await verifyBundleBytes(bytes, options, options.now ?? context.now(), (error) => {
      reasons.push(describeError(error).message);
      return null;
    });
    if (verified !== null) good.push({ bytes, verified });
  }
  // The newest of those that verify: an older one is true, too, and ends earlier.
  const newest = good.sort((a, b) => b.verified.checkpoint.size - a.verified.checkpoint.size)[0];
  if (newest === undefined) refuse(image, options, reasons, context);
  writeOutput(options.output, newest.bytes);
  const { policy, checkpoint, status } = newest.verified;
  show(
    context,
    options,
    { output: options.output, policy: policy.name, version: policy.version, size: checkpoint.size },
    [
      `${options.output}: policy ${policy.name} version ${policy.version} of ${checkpoint.origin} at size ${checkpoint.size}, verified; good until ${status.expires}`,
    ],
  );
}

function refuse(image: string, options: FindOptions, reasons: readonly string[], context: CliContext): never {
  show(context, options, { found: reasons.length, reasons }, [
    `no bundle beside ${image} verifies: fetch it from the log, with \`touchstone bundle fetch\``,
    ...reasons.map((reason) => `  one was refused: ${reason}`),
  ]);
  throw new AnswerIsNo("");
}

function open(image: string, context: CliContext) {
  const { registry, name, digest } = parseImageReference(image);
  const credentials = credentialsFor(registry, context.environment);
  return { digest, registry: new Registry({ registry, name, fetch: context.fetch, credentials }) };
}
