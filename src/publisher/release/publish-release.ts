// Publishes a prepared release: its entries in one batch, then the policy over them. Repeating it after a failure is safe, since the
// log knows what it has: then nothing is added, and the proofs are written all the same.
import { createHash } from "node:crypto";
import { join } from "node:path";
import type { Signer } from "../../node/signing/signer.ts";
import { encodeHex } from "../../protocol/encoding/hex.ts";
import { describeReference } from "../../protocol/entry/reference.ts";
import type { Envelope } from "../../protocol/envelope/dsse.ts";
import { MalformedError } from "../../protocol/errors.ts";
import { hashLeaf } from "../../protocol/merkle/hash.ts";
import type { TlogPolicy } from "../../protocol/note/tlog-policy.ts";
import { attachmentsOf } from "../../protocol/registration/references.ts";
import { type PublishedEntry, publish } from "../client/publish.ts";
import { requireConfirmed } from "../client/require-confirmed.ts";
import { attachmentFileName } from "../describe/described.ts";
import type { IdentitySigner } from "../identity/sign-by-identity.ts";
import { envelopePath, type Plan, type PlannedEntry, proofPath, statementPath } from "./plan.ts";
import { readSmallFile } from "./read-file.ts";
import type { ReleaseTools } from "./release-tools.ts";
import { signPlanned } from "./sign-release.ts";
import { formatSummary, type ReleaseSummary, type SummaryEntry } from "./summary.ts";

export interface PublishReleaseOptions {
  readonly folder: string;
  /** Keys whose signatures are added where they are missing; none where others have signed. */
  readonly publisherKeys: readonly Signer[];
  readonly policyKeys: readonly Signer[];
  /** Signs each release beside the publishers' keys, or alone; null where no identity publishes. */
  readonly identity: IdentitySigner | null;
  /** The log's tlog-policy: every proof is verified with it. */
  readonly logPolicy: TlogPolicy;
}

/**
 * Signs, publishes, writes each proof, and a summary as summary.md and summary.json.
 * @throws MalformedError naming the statement that nobody has signed; RefusedError when the log refuses; UnreachableError;
 *   VerificationError when a proof does not hold.
 */
export async function publishRelease(
  plan: Plan,
  options: PublishReleaseOptions,
  tools: ReleaseTools,
): Promise<ReleaseSummary> {
  const { folder, publisherKeys, policyKeys, identity } = options;
  const envelopes: Envelope[] = [];
  for (const entry of plan.entries) {
    const envelope = await signPlanned(entry, folder, publisherKeys, tools, identity);
    if (envelope === undefined) throw unsigned(statementPath(folder, entry.table));
    envelopes.push(envelope);
  }
  const policy = plan.policy && (await signPlanned(plan.policy, folder, policyKeys, tools));
  const entries = await publishEntries(plan.entries, envelopes, options, tools);
  const summarise = (published: SummaryEntry | null): ReleaseSummary => ({
    log: { url: tools.client.url, origin: tools.origin },
    added: [...entries, ...(published ? [published] : [])].filter(({ outcome }) => outcome === "new").length,
    entries,
    policy: published,
    policyDraft: plan.policy !== null && published === null ? "policy.json" : null,
  });
  writeSummary(folder, summarise(null), tools);
  if (!plan.policy || !policy) return summarise(null);
  const [published = null] = await publishEntries([plan.policy], [policy], options, tools);
  const summary = summarise(published);
  writeSummary(folder, summary, tools);
  return summary;
}

/** One batch: all of it is added, or nothing. */
async function publishEntries(
  planned: readonly PlannedEntry[],
  envelopes: readonly Envelope[],
  { folder, logPolicy }: PublishReleaseOptions,
  { client, write, tell }: ReleaseTools,
): Promise<SummaryEntry[]> {
  const attachments = envelopes.flatMap(({ statement }) => attachmentsOf(statement));
  const documents = attachments.map(({ digest }) => readAttachment(folder, digest));
  const published = await publish(client, envelopes, documents, logPolicy);
  const summaries = published.map((entry, i) => {
    const { table } = planned[i] as PlannedEntry;
    write(envelopePath(folder, table), entry.envelope.leaf);
    write(proofPath(folder, table), entry.proof);
    const summary = summariseEntry(table, entry);
    tell(
      `${summary.entry}: entry ${summary.index}${summary.outcome === "known" ? " (was in the log already)" : ""}`,
    );
    return summary;
  });
  requireConfirmed(published);
  return summaries;
}

function summariseEntry(table: string, { index, outcome, treeSize, envelope }: PublishedEntry): SummaryEntry {
  return {
    table,
    entry: describeReference(envelope.statement),
    index,
    outcome,
    treeSize,
    payloadDigest: envelope.payloadDigest,
    leafHash: encodeHex(hashLeaf(envelope.leaf)),
    artefacts: envelope.statement.subject.map(({ name, digest }) => ({ name, sha256: digest.sha256 })),
    envelope: `${table}.dsse.json`,
    proof: `${table}.tlog-proof`,
  };
}

function readAttachment(folder: string, digest: string): Uint8Array {
  const path = join(folder, attachmentFileName(digest));
  const bytes = readSmallFile(path);
  if (createHash("sha256").update(bytes).digest("hex") !== digest)
    throw new MalformedError("release", `${path} is not the attachment of that digest`);
  return bytes;
}

function writeSummary(folder: string, summary: ReleaseSummary, { write }: ReleaseTools): void {
  write(join(folder, "summary.json"), `${JSON.stringify(summary, null, 2)}\n`);
  write(join(folder, "summary.md"), formatSummary(summary));
}

function unsigned(path: string): MalformedError {
  return new MalformedError(
    "release",
    `${path} is not signed: run 'touchstone sign ${path} --key …' where the key is, or name the key in the release file`,
    "keys.publisher",
  );
}
