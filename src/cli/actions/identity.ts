// Shows whom a log lets publish by an identity, drafts the keys of a provider, and says when the log lacks one.
import { formatStatement } from "../../protocol/envelope/statement.ts";
import { newestIdentityKeys } from "../../protocol/registration/in-force.ts";
import { draftIdentityKeys, missingKeys } from "../../publisher/identity/draft-identity-keys.ts";
import { getProviders } from "../../publisher/identity/logged-providers.ts";
import { fetchProviderKeys } from "../../publisher/identity/provider-document.ts";
import { AnswerIsNo, type CliContext, judging, show } from "../context.ts";
import { writeOutput } from "../files.ts";
import { logClient } from "../log-client.ts";

interface LogOptions {
  readonly to: string;
  readonly json?: boolean;
}

export async function runShow(options: LogOptions, context: CliContext): Promise<void> {
  const { root, identityKeys } = await getProviders(logClient(options.to, context));
  const newest = [...newestIdentityKeys({ identityKeys }).values()];
  const providers = newest.map(({ index, keys }) => ({ index, ...keys }));
  show(context, options, { identities: root.identities, providers }, [
    ...root.identities.map((rule) => {
      const claims = Object.entries(rule.claims).map(([name, value]) => `${name}=${value}`);
      const workflow = rule.workflow === null ? [] : [`${rule.workflow.path}@${rule.workflow.ref}`];
      return `${rule.id}: ${rule.issuer} ${[...claims, ...workflow].join(" ")}`;
    }),
    ...providers.map(
      ({ index, name, version, issuer, retrievedAt, keys }) =>
        `${name}@${version}, entry ${index}: ${keys.length} keys of ${issuer}, retrieved ${retrievedAt}: ${keys.map(({ kid }) => kid).join(", ")}`,
    ),
    ...(root.identities.length === 0 ? ["the trust root in force has no identity rules"] : []),
  ]);
}

interface SnapshotOptions extends LogOptions {
  readonly issuer: string;
  readonly name: string;
  readonly output: string;
}

export async function runSnapshot(options: SnapshotOptions, context: CliContext): Promise<void> {
  const { issuer, name, output } = options;
  const providers = await getProviders(logClient(options.to, context));
  const { keys, leftOut } = await judging(() => fetchProviderKeys(issuer, context.fetch));
  const draft = draftIdentityKeys({ name, issuer, keys }, providers, context.now());
  const added = missingKeys(
    keys,
    providers.identityKeys.findLast((placed) => placed.keys.name === name)?.keys,
  );
  writeOutput(output, formatStatement("identity-keys", draft));
  const value = { output, version: draft.version, keys: keys.map(({ kid }) => kid), added, leftOut };
  show(context, options, value, [
    `${output}: ${name} version ${draft.version}, ${keys.length} keys; new: ${added.join(", ") || "none"}`,
    ...(leftOut.length === 0
      ? []
      : [`left out, since tokens are not signed with them here: ${leftOut.join(", ")}`]),
    "compare the key ids with what the provider publishes elsewhere, then have it signed by the role identityKeys, and publish it",
  ]);
}

export async function runCheck(options: LogOptions, context: CliContext): Promise<void> {
  const { root, identityKeys } = await getProviders(logClient(options.to, context));
  const issuers = [...new Set(root.identities.map(({ issuer }) => issuer))];
  const checked = await Promise.all(
    issuers.map(async (issuer) => {
      const { keys } = await judging(() => fetchProviderKeys(issuer, context.fetch));
      return {
        issuer,
        missing: missingKeys(keys, identityKeys.findLast((p) => p.keys.issuer === issuer)?.keys),
      };
    }),
  );
  show(
    context,
    options,
    { providers: checked },
    checked.map(({ issuer, missing }) =>
      missing.length === 0
        ? `${issuer}: the log has all of its keys`
        : `${issuer}: MISSING ${missing.join(", ")}`,
    ),
  );
  if (checked.some(({ missing }) => missing.length > 0)) throw new AnswerIsNo("");
}
