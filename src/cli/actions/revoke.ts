// Revokes entries and what stolen keys signed, after saying what stops being served by that.
import { openSigners } from "../../node/signing/open-signer.ts";
import type { Kind, Predicate } from "../../protocol/entry/kinds.ts";
import type { RevokedIdentity, RevokedKey } from "../../protocol/entry/revocation.ts";
import { canonicalize } from "../../protocol/envelope/canonical-json.ts";
import { formatStatement } from "../../protocol/envelope/statement.ts";
import { policiesStoppedBy } from "../../publisher/client/affected-policies.ts";
import type { LogClient } from "../../publisher/client/log-client.ts";
import { findEntry, parseReference } from "../../publisher/client/lookup.ts";
import { signEnvelope } from "../../publisher/signing/sign.ts";
import { AnswerIsNo, type CliContext, show, UsageError } from "../context.ts";
import { logClient } from "../log-client.ts";
import { logOrigin } from "../log-origin.ts";
import { publishEnvelope } from "../publish-files.ts";

type Revocation = Predicate<"revocation">;

interface RevokeOptions {
  readonly name: string;
  readonly reason: string;
  readonly advisory?: string;
  readonly key: readonly string[];
  readonly to: string;
  readonly trust?: string;
  readonly record?: string;
  readonly dryRun?: boolean;
  readonly yes?: boolean;
  readonly json?: boolean;
}

export async function runRevoke(
  targets: readonly string[],
  options: RevokeOptions,
  context: CliContext,
): Promise<void> {
  const keys = await openSigners(options.key, context);
  const client = logClient(options.to, context);
  const digests = await digestsOf(targets, client);
  const draft = await draftRevocation(client, options, {
    origin: await logOrigin(options, context),
    digests,
    keys: targets.flatMap(parseKeyRange),
    identities: targets.flatMap(parseIdentityRange),
  });
  const { version } = draft;
  const stops = await policiesStoppedBy(client, draft);
  const consequence =
    stops.length === 0
      ? "no policy in force names it: nothing that is served changes"
      : `no longer served, and refused by every verifier: ${stops.map((name) => `policy ${name}`).join(", ")}`;
  if (options.dryRun === true) {
    show(context, options, { dryRun: true, name: options.name, version, digests, stops }, [
      `would revoke ${targets.join(", ")} as ${options.name}@${version}`,
      consequence,
      "dry run: nothing was revoked",
    ]);
    return;
  }
  if (context.interactive && options.yes !== true) {
    context.warn(consequence);
    if (!(await context.confirm(`Revoke ${targets.join(", ")} for ever?`)))
      throw new AnswerIsNo("nothing was revoked", "declined");
  }
  const payload = formatStatement("revocation", draft);
  const { index } = await publishEnvelope(
    await signEnvelope({ payload, signatures: [] }, keys),
    options,
    context,
  );
  show(context, options, { index, targets, version, stops }, [
    `entry ${index} revokes ${targets.join(", ")}`,
    consequence,
  ]);
}

/** The next free version of that name; or the one that is there, where it says the same, so that repeating the command is safe. */
async function draftRevocation(
  client: LogClient,
  { name, reason, advisory }: RevokeOptions,
  revoked: Pick<Revocation, "origin" | "digests" | "keys" | "identities">,
): Promise<Revocation> {
  const draft = { name, ...revoked, reason, advisory: advisory ?? null };
  const newest = await findEntry(client, { kind: "revocation", name });
  if (newest === undefined) return { ...draft, version: "1" };
  const again = { ...draft, version: newest.statement.version };
  if (canonicalize(again) === canonicalize(newest.statement.predicate)) return again;
  let version = Number(/^[0-9]{1,9}$/.exec(newest.statement.version)?.[0] ?? 1) + 1;
  while ((await findEntry(client, { kind: "revocation", name, version: String(version) })) !== undefined)
    version++;
  return { ...draft, version: String(version) };
}

async function digestsOf(targets: readonly string[], client: LogClient): Promise<string[]> {
  const named = targets.filter((target) => !target.startsWith("key:") && !target.startsWith("identity:"));
  return Promise.all(
    named.map(async (target) => {
      const digest = /^sha256:([0-9a-f]{64})$/.exec(target)?.[1];
      if (digest !== undefined) return digest;
      const { kind, name, version } = parseReference(target);
      const found = await findEntry(client, { kind: kind as Kind, name, version });
      if (found === undefined) throw new UsageError(`${target} is not in the log`);
      return found.envelope.payloadDigest;
    }),
  );
}

function parseKeyRange(target: string): RevokedKey[] {
  if (!target.startsWith("key:")) return [];
  const [, keyId, from, to] = /^key:([0-9a-f]{64})@(\d{1,16})\.\.(\d{1,16})$/.exec(target) ?? [];
  if (keyId === undefined)
    throw new UsageError(`${target}: expected key:<64 hex digits>@<from index>..<to index>`);
  return [{ keyId, fromIndex: Number(from), toIndex: Number(to) }];
}

function parseIdentityRange(target: string): RevokedIdentity[] {
  if (!target.startsWith("identity:")) return [];
  const [, rule, from, to] = /^identity:([a-z0-9._-]{1,64})@(\d{1,16})\.\.(\d{1,16})$/.exec(target) ?? [];
  if (rule === undefined)
    throw new UsageError(`${target}: expected identity:<id of the rule>@<from index>..<to index>`);
  return [{ rule, fromIndex: Number(from), toIndex: Number(to) }];
}
