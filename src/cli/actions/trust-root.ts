// Drafts the successor of a trust root, turns it into a statement, and writes the new pin.
import { formatTime } from "../../protocol/entry/fields.ts";
import type { TrustRoot } from "../../protocol/entry/trust-root.ts";
import { parseEnvelope } from "../../protocol/envelope/dsse.ts";
import { parseJson } from "../../protocol/envelope/parse-json.ts";
import { formatStatement, parseStatement } from "../../protocol/envelope/statement.ts";
import { getTrustRoot } from "../../publisher/client/lookup.ts";
import { nextTrustRoot } from "../../publisher/trust-root/draft-trust-root.ts";
import { formatTrustFile } from "../../verifier/bundle/trust-pin.ts";
import { type CliContext, show, UsageError } from "../context.ts";
import { readOwn, writeOutput } from "../files.ts";
import { logClient } from "../log-client.ts";
import { requireTimelyFile } from "../timely-file.ts";

export async function runDraft(
  options: { to: string; days: number; output: string; json?: boolean },
  context: CliContext,
): Promise<void> {
  const { envelope, statement } = await getTrustRoot(logClient(options.to, context));
  const expires = formatTime(new Date(context.now().getTime() + options.days * 86_400_000));
  const next = nextTrustRoot({ root: statement.predicate, digest: envelope.payloadDigest }, expires);
  writeOutput(options.output, `${JSON.stringify(next, null, 2)}\n`);
  show(context, options, { output: options.output, version: next.version }, [
    `${options.output}: trust root version ${next.version}; edit it, then: touchstone trust-root seal ${options.output} -o root.json`,
  ]);
}

export async function runSeal(
  file: string,
  options: { output: string; allowExpired?: boolean; json?: boolean },
  context: CliContext,
): Promise<void> {
  const payload = readOwn(file, (bytes) =>
    formatStatement("trust-root", parseJson(bytes, 1_000_000) as unknown as TrustRoot),
  );
  requireTimelyFile(file, parseStatement(payload), options, context);
  writeOutput(options.output, payload);
  show(context, options, { output: options.output }, [
    `${options.output}: sign it with a threshold of the old and of the new root keys`,
  ]);
}

export async function runPin(
  file: string,
  options: { output: string; json?: boolean },
  context: CliContext,
): Promise<void> {
  const envelope = readOwn(file, parseEnvelope);
  if (envelope.statement.kind !== "trust-root") throw new UsageError(`${file} is not a trust root`);
  writeOutput(options.output, formatTrustFile(envelope));
  show(context, options, { output: options.output, digest: envelope.payloadDigest }, [
    `${options.output}: pins sha256:${envelope.payloadDigest}`,
  ]);
}
