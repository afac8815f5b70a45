// touchstone publish: sends signed entries to a log and writes the proof of each beside its file.
import { existsSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import type { Command } from "commander";
import { sha256 } from "../../protocol/cryptography/hash.ts";
import { encodeHex } from "../../protocol/encoding/hex.ts";
import { describeReference } from "../../protocol/entry/reference.ts";
import { type Envelope, envelopeToJson, parseEnvelope } from "../../protocol/envelope/dsse.ts";
import { parseTlogPolicy, type TlogPolicy } from "../../protocol/note/tlog-policy.ts";
import { attachmentsOf } from "../../protocol/registration/references.ts";
import type { LogClient } from "../../publisher/client/log-client.ts";
import { type PublishedEntry, publish } from "../../publisher/client/publish.ts";
import { parseTrustFile } from "../../verifier/bundle/trust-pin.ts";
import { type CliContext, show, UsageError } from "../context.ts";
import { readInput, writeOutput } from "../files.ts";
import { DEFAULT_URL } from "../options.ts";
import { attachmentPath } from "./describe/release-options.ts";

interface PublishOptions {
  readonly to: string;
  readonly trust?: string;
  readonly json?: boolean;
}

export function addPublish(program: Command, context: CliContext): void {
  addPublishTo(
    program,
    context,
    "touchstone publish kernel.dsse.json os-image.dsse.json --to https://log.example.com --trust trust-root.json",
  );
}

/** Adds the same command where people look for it: under what they are about to publish. */
export function addPublishTo(parent: Command, context: CliContext, example: string): void {
  parent
    .command("publish <file...>")
    .description(
      "publish signed entries in the order given, all of them or none; writes a .tlog-proof beside each",
    )
    .option("--to <url>", "base URL of the log", DEFAULT_URL)
    .option("--trust <file>", "trust-root.json: verify the signatures on the proofs, too")
    .addHelpText("after", `\nExample:\n  ${example}`)
    .action(async (files: string[], options: PublishOptions) => {
      const published = await publishFiles(files, options, context);
      const facts = published.map(({ index, outcome, treeSize, envelope }) => ({
        index,
        outcome,
        treeSize,
        entry: describeReference(envelope.statement),
      }));
      const known = (outcome: string) => (outcome === "known" ? " (was in the log already)" : "");
      const lines = facts.map(({ entry, index, outcome }) => `${entry}: entry ${index}${known(outcome)}`);
      show(context, options, facts, lines);
    });
}

/** Publishes envelope files with the attachments beside them, and writes each proof. Shared by every command that publishes. */
export async function publishFiles(
  files: readonly string[],
  options: Pick<PublishOptions, "to" | "trust">,
  context: CliContext,
): Promise<PublishedEntry[]> {
  const envelopes = files.map((file) => parseEnvelope(readInput(file)));
  const attachments = envelopes.flatMap((envelope, i) => attachmentsBeside(files[i] ?? "", envelope));
  const policy = tlogPolicyOf(options.trust);
  const published = await publish(logClient(options.to, context), envelopes, attachments, policy);
  for (const [i, entry] of published.entries()) writeProof(files[i] ?? "", entry, envelopes[i] as Envelope);
  return published;
}

/** Publishes one envelope that was made just now. */
export async function publishEnvelope(
  envelope: Envelope,
  options: Pick<PublishOptions, "to" | "trust">,
  context: CliContext,
): Promise<PublishedEntry> {
  const [published] = await publish(
    logClient(options.to, context),
    [envelope],
    [],
    tlogPolicyOf(options.trust),
  );
  if (published === undefined) throw new TypeError("publishing one entry answers one");
  return published;
}

function tlogPolicyOf(trustFile: string | undefined): TlogPolicy | null {
  return trustFile === undefined
    ? null
    : parseTlogPolicy(parseTrustFile(readInput(trustFile)).root.logPolicy);
}

export function logClient(url: string, context: CliContext): LogClient {
  const client = { url, fetch: context.fetch, sleep: (ms: number) => sleep(ms) };
  return context.interactive
    ? { ...client, onRetry: (reason) => context.warn(`waiting: ${reason}`) }
    : client;
}

/** Attachments lie in the envelope's folder, named by their digest as `describe` wrote them. */
function attachmentsBeside(file: string, { statement }: Envelope): Uint8Array[] {
  return attachmentsOf(statement).map(({ digest }) => {
    const path = attachmentPath(file, digest);
    if (!existsSync(path)) throw new UsageError(`${path}: the attachment of ${file} is not beside it`);
    const bytes = readInput(path);
    if (encodeHex(sha256(bytes)) !== digest) throw new UsageError(`${path}: its bytes have another digest`);
    return bytes;
  });
}

/** The proof is about the envelope as it is logged: where that has other signatures than ours, it replaces our file. */
function writeProof(file: string, { envelope, proof }: PublishedEntry, sent: Envelope): void {
  const same =
    envelope.leaf.length === sent.leaf.length && envelope.leaf.every((byte, i) => byte === sent.leaf[i]);
  if (!same) writeOutput(file, `${JSON.stringify(envelopeToJson(envelope))}\n`);
  writeOutput(proofPathOf(file), proof);
}

/** x.dsse.json has its proof in x.tlog-proof. */
export function proofPathOf(file: string): string {
  return `${file.replace(/\.dsse\.json$/, "")}.tlog-proof`;
}
