// Signs and publishes a revocation.
import type { Kind } from "../../protocol/entry/kinds.ts";
import type { RevokedKey } from "../../protocol/entry/revocation.ts";
import { formatStatement } from "../../protocol/envelope/statement.ts";
import { findEntry, parseReference } from "../../publisher/client/lookup.ts";
import { signEnvelope } from "../../publisher/signing/sign.ts";
import { readSigningKey } from "../../publisher/signing/signing-key.ts";
import { type CliContext, show, UsageError } from "../context.ts";
import { logClient } from "../log-client.ts";
import { logOrigin } from "../log-origin.ts";
import { publishEnvelope } from "../publish-files.ts";

interface RevokeOptions {
  readonly name: string;
  readonly reason: string;
  readonly advisory?: string;
  readonly key: readonly string[];
  readonly to: string;
  readonly trust?: string;
  readonly json?: boolean;
}

export async function runRevoke(
  targets: string[],
  options: RevokeOptions,
  context: CliContext,
): Promise<void> {
  const keys = options.key.map((source) => readSigningKey(source, context.environment));
  const revoked = {
    keys: targets.flatMap(parseKeyRange),
    digests: await digestsOf(targets, options.to, context),
  };
  const payload = formatStatement("revocation", {
    name: options.name,
    version: "1",
    origin: await logOrigin(options, context),
    ...revoked,
    reason: options.reason,
    advisory: options.advisory ?? null,
  });
  const { index } = await publishEnvelope(signEnvelope({ payload, signatures: [] }, keys), options, context);
  show(context, options, { index, targets }, [`entry ${index} revokes ${targets.join(", ")}`]);
}

async function digestsOf(targets: readonly string[], url: string, context: CliContext): Promise<string[]> {
  const named = targets.filter((target) => !target.startsWith("key:"));
  return Promise.all(
    named.map(async (target) => {
      const digest = /^sha256:([0-9a-f]{64})$/.exec(target)?.[1];
      if (digest !== undefined) return digest;
      const { kind, name, version } = parseReference(target);
      const found = await findEntry(logClient(url, context), { kind: kind as Kind, name, version });
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
