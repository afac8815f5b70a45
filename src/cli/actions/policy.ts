// Renews and shows policies.
import { openSigners } from "../../node/signing/open-signer.ts";
import { referencesInProfile } from "../../protocol/entry/policy.ts";
import { describeReference } from "../../protocol/entry/reference.ts";
import { findEntry } from "../../publisher/client/lookup.ts";
import { draftPolicy, placeAfter } from "../../publisher/policy/draft-policy.ts";
import { signEnvelope } from "../../publisher/signing/sign.ts";
import { type CliContext, show, UsageError } from "../context.ts";
import { logClient } from "../log-client.ts";
import { logOrigin } from "../log-origin.ts";
import { publishEnvelope } from "../publish-files.ts";

interface RenewOptions {
  readonly key: readonly string[];
  readonly to: string;
  readonly days: number;
  readonly trust?: string;
  readonly record?: string;
  readonly json?: boolean;
}

export async function runRenew(name: string, options: RenewOptions, context: CliContext): Promise<void> {
  const newest = await findEntry(logClient(options.to, context), { kind: "policy", name });
  if (newest === undefined) throw new UsageError(`the log has no policy ${name}`);
  const content = newest.statement.predicate;
  const origin = await logOrigin(options, context);
  const place = placeAfter({ name, origin }, newest, options.days, context.now());
  const payload = draftPolicy(place, content);
  const keys = await openSigners(options.key, context);
  const published = await publishEnvelope(
    await signEnvelope({ payload, signatures: [] }, keys),
    options,
    context,
  );
  show(context, options, { index: published.index, version: content.version + 1 }, [
    `policy ${name} version ${content.version + 1}: entry ${published.index}`,
  ]);
}

export async function runShow(
  name: string,
  options: { to: string; json?: boolean },
  context: CliContext,
): Promise<void> {
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
}
