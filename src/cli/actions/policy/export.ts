// Exports policies: each bundle is verified as `bundle verify` does, and what is in force is written in the format that was asked for.
import { openSigner } from "../../../node/signing/open-signer.ts";
import type { VerifiedBundle } from "../../../verifier/bundle/verify-bundle.ts";
import { signCorim } from "../../../views/corim.ts";
import { POLICY_VIEWS } from "../../../views/list.ts";
import { policyInForce, policyLabel } from "../../../views/policy-in-force.ts";
import type { PolicyView } from "../../../views/policy-view.ts";
import { type CliContext, show, UsageError } from "../../context.ts";
import { writeOutput } from "../../files.ts";
import { verifyBundleFile } from "../../verify-bundle-file.ts";

interface Options {
  readonly format: string;
  readonly bundle: readonly string[];
  readonly policy: readonly string[];
  readonly trust: string;
  readonly state?: string;
  readonly sign?: string;
  readonly now?: Date;
  readonly output: string;
  readonly json?: boolean;
}

export async function runExport(options: Options, context: CliContext): Promise<void> {
  const view = POLICY_VIEWS.find(({ format }) => format === options.format);
  if (view === undefined) throw new UsageError(`there is no format ${options.format}`);
  requireFitting(view, options);
  const policies = (await verifyAll(options, context)).map(policyInForce);
  const bytes = await write(view, policies, options, context);
  writeOutput(options.output, bytes);
  const notAfter = policies.map((policy) => policy.notAfter).sort()[0];
  const tuples = policies.flatMap((policy) => policy.tuples).length;
  show(
    context,
    options,
    { output: options.output, format: view.format, policies: policies.map(policyLabel), tuples, notAfter },
    [
      `${options.output}: ${view.format} (${view.revision}), ${tuples} tuple(s) of ${policies.map(policyLabel).join(", ")}`,
      `export it again before ${notAfter}: this is a view, and learns of no revocation`,
      ...view.cannotSay.map((sentence) => `not in it: ${sentence}`),
    ],
  );
}

function requireFitting(view: PolicyView, { bundle, policy, sign }: Options): void {
  if (bundle.length !== policy.length)
    throw new UsageError(
      `${bundle.length} bundles and ${policy.length} policies: name one policy for each bundle`,
    );
  if (view.holds === "one" && bundle.length > 1)
    throw new UsageError(`${view.format} holds one policy: export each into a file of its own`);
  if (sign !== undefined && view.format !== "corim")
    throw new UsageError(`${view.format} has no signature: --sign is for corim`);
}

async function verifyAll(options: Options, context: CliContext): Promise<VerifiedBundle[]> {
  const verified: VerifiedBundle[] = [];
  for (const [i, bundle] of options.bundle.entries()) {
    const files = { ...options, bundle, policy: options.policy[i] ?? "" };
    verified.push(
      await verifyBundleFile(files, options.now ?? context.now(), (error) => {
        throw error;
      }),
    );
  }
  return verified;
}

async function write(
  view: PolicyView,
  policies: Parameters<PolicyView["render"]>[0],
  { sign }: Options,
  context: CliContext,
): Promise<Uint8Array> {
  const [policy] = policies;
  if (sign === undefined || policy === undefined) return view.render(policies);
  return signCorim(policy, await openSigner(sign, context));
}
