// Publishes envelopes from files or made just now, for every command that publishes, and writes each proof beside its file.
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { sha256 } from "../protocol/cryptography/hash.ts";
import { equalBytes } from "../protocol/encoding/bytes.ts";
import { encodeHex } from "../protocol/encoding/hex.ts";
import type { Envelope } from "../protocol/envelope/dsse.ts";
import { parseTlogPolicy, type TlogPolicy } from "../protocol/note/tlog-policy.ts";
import { attachmentsOf } from "../protocol/registration/references.ts";
import { type PublishedEntry, publish } from "../publisher/client/publish.ts";
import type { IdentitySigner } from "../publisher/identity/sign-by-identity.ts";
import { parseSignable } from "../publisher/signing/sign.ts";
import { parseTrustFile } from "../verifier/bundle/trust-pin.ts";
import { type CliContext, UsageError } from "./context.ts";
import { type EnvelopeToPublish, readEnvelopeToPublish } from "./envelope-to-publish.ts";
import { readInput, readOwn, STANDARD, writeOutput } from "./files.ts";
import { logClient } from "./log-client.ts";
import { type IdentityOptions, openIdentity } from "./open-identity.ts";
import { expectedOf, recordExpected } from "./record-expected.ts";
import { attachmentPathOf, envelopePathOf, proofPathOf } from "./statement-files.ts";
import { requireTimelyFile } from "./timely-file.ts";

export interface PublishOptions extends IdentityOptions {
  /** Base URL of the log. */
  readonly to: string;
  /** trust-root.json: with it the signatures on the proofs are verified, too. */
  readonly trust?: string;
  /** expected.toml, to which everything is added before it is sent. */
  readonly record?: string;
  /** Sends dated documents also where they have expired by this machine's clock. */
  readonly allowExpired?: boolean;
}

/** Publishes envelope files with the attachments beside them, and writes each proof. */
export async function publishFiles(
  files: readonly string[],
  options: PublishOptions,
  context: CliContext,
): Promise<PublishedEntry[]> {
  requireOwnProofs(files);
  const client = logClient(options.to, context);
  const identity = await openIdentity(options, client, context);
  const sent: EnvelopeToPublish[] = [];
  for (const file of files)
    sent.push(
      await (identity ? signByIdentity(file, identity) : readEnvelopeToPublish(file, client, context)),
    );
  const envelopes = sent.map(({ envelope }) => envelope);
  for (const [i, { statement }] of envelopes.entries())
    requireTimelyFile(files[i] ?? "", statement, options, context);
  const attachments = envelopes.flatMap((envelope, i) => attachmentsBeside(files[i] ?? "", envelope));
  const policy = tlogPolicyOf(options.trust);
  recordExpected(options.record, envelopes.map(expectedOf));
  const published = await publish(client, envelopes, attachments, policy);
  for (const [i, entry] of published.entries()) writeProof(files[i] ?? "", entry, sent[i]?.bytes);
  return published;
}

/** A statement, or an envelope that others have signed, with the signature of the pipeline's identity. */
async function signByIdentity(file: string, identity: IdentitySigner): Promise<EnvelopeToPublish> {
  const { bytes, signable } = readOwn(file, (read) => ({ bytes: read, signable: parseSignable(read) }));
  return { bytes, envelope: await identity.sign(signable) };
}

/** Publishes one envelope that was made just now. */
export async function publishEnvelope(
  envelope: Envelope,
  options: PublishOptions,
  context: CliContext,
): Promise<PublishedEntry> {
  recordExpected(options.record, [expectedOf(envelope)]);
  const [published] = await publish(
    logClient(options.to, context),
    [envelope],
    [],
    tlogPolicyOf(options.trust),
  );
  if (published === undefined) throw new TypeError("publishing one entry answers one");
  return published;
}

/** Each entry's proof has a file of its own, which is none of the entries either. @throws UsageError before anything is sent. */
function requireOwnProofs(files: readonly string[]): void {
  const writers = new Map<string, string>();
  for (const file of files) {
    const proof = proofPathOf(file);
    const other = writers.get(resolve(proof)) ?? files.find((each) => resolve(each) === resolve(proof));
    if (other !== undefined && proof !== STANDARD)
      throw new UsageError(
        `${file}: its proof ${proof} would take the place of that of ${other}; rename one of them`,
      );
    writers.set(resolve(proof), file);
  }
}

function tlogPolicyOf(trustFile: string | undefined): TlogPolicy | null {
  return trustFile === undefined ? null : parseTlogPolicy(readOwn(trustFile, parseTrustFile).root.logPolicy);
}

/** Attachments lie in the envelope's folder, named by their digest as `describe` wrote them. */
function attachmentsBeside(file: string, { statement }: Envelope): Uint8Array[] {
  return attachmentsOf(statement).map(({ digest }) => {
    const path = attachmentPathOf(file, digest);
    if (!existsSync(path)) throw new UsageError(`${path}: the attachment of ${file} is not beside it`);
    const bytes = readInput(path);
    if (encodeHex(sha256(bytes)) !== digest) throw new UsageError(`${path}: its bytes have another digest`);
    return bytes;
  });
}

/**
 * The proof is of the log entry's own bytes (C2SP tlog-proof): where the file has others, such as those of other signatures or a newline at
 * the end, the entry takes its place, so that any verifier can hold the two files together.
 */
function writeProof(file: string, { envelope, proof }: PublishedEntry, sent: Uint8Array | undefined): void {
  const isLeaf = sent !== undefined && equalBytes(envelope.leaf, sent);
  if (!isLeaf && file !== STANDARD) writeOutput(envelopePathOf(file), envelope.leaf);
  writeOutput(proofPathOf(file), proof);
}
