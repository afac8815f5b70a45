// Puts a policy bundle together out of the log, under one published checkpoint (docs/formats.md, "Policy bundle"). Whether a verifier will
// take it is not decided here.
import type { Published } from "../../log/checkpointing/publication.ts";
import type { PublishedLog, ReadEntry } from "../../log/published-log.ts";
import type { LoggedEntry, PolicyBundle } from "../../protocol/bundle/policy-bundle.ts";
import { rebuild } from "../../protocol/entry/kinds/rebuild.ts";
import type { StatementOf } from "../../protocol/envelope/statement.ts";
import { referencesOf } from "../../protocol/registration/references.ts";
import {
  concerns,
  entriesOfKind,
  isEntryRevoked,
  MAX_REVOCATIONS,
  readLoggedEntry,
} from "../entries/read-entry.ts";
import { RequestProblem } from "../problem.ts";
import { confirmationsOf, keysOfProviders } from "./identity-proofs.ts";

/** A bundle holds at most this many; the newest are the ones that a status may not hold yet. */
const MAX_SHOWN = 256;

/**
 * The bundle of one policy entry, without a consistency proof.
 * @param published what everything in it is proven under. The log may grow meanwhile.
 * @throws RequestProblem "bundle-not-acceptable" for a log without a status.
 */
export async function assembleBundle(
  log: PublishedLog,
  published: Published,
  policy: ReadEntry,
  historical: boolean,
): Promise<PolicyBundle> {
  const { inForce, checkpoint } = published;
  if (inForce.status === null) {
    throw new RequestProblem(
      "bundle-not-acceptable",
      "the log has no status yet; publish one with 'touchstone status publish'",
    );
  }
  const trustRoots = await Promise.all(inForce.trustRoots.map(({ index }) => readLoggedEntry(log, index)));
  const status = await readLoggedEntry(log, inForce.status.index);
  const entries = await referencedBy(log, policy);
  const rebuilds = await rebuildsOf(log, policy, entries);
  const shown = [status, policy, ...entries, ...rebuilds];
  const revocations = await revocationsOf(log, checkpoint.size, shown);
  const identityKeys = await keysOfProviders(log, inForce, [...shown, ...revocations]);
  const place = (entry: ReadEntry) => withProof(log, entry, checkpoint.size);
  return {
    origin: checkpoint.origin,
    historical,
    trustRoots: await Promise.all(trustRoots.map(place)),
    status: await place(status),
    policy: await place(policy),
    entries: await Promise.all(entries.map(place)),
    rebuilds: await Promise.all(rebuilds.map(place)),
    identityKeys: await Promise.all(identityKeys.map(place)),
    confirmations: await confirmationsOf(log, [policy, ...entries, ...rebuilds]),
    revocations: await Promise.all(revocations.map(place)),
    checkpoint: published.note,
    consistency: null,
  };
}

async function referencedBy(log: PublishedLog, policy: ReadEntry): Promise<ReadEntry[]> {
  const references = referencesOf(policy.envelope.statement as StatementOf<"policy">);
  const digests = new Set(references.map(({ digest }) => digest));
  const records = await Promise.all([...digests].map((digest) => log.findByDigest(digest)));
  return Promise.all(
    records.flatMap((record) => (record === undefined ? [] : [readLoggedEntry(log, record.index)])),
  );
}

/** The rebuilds of these releases that count under the policy, newest first: by its keys, and not revoked. */
async function rebuildsOf(
  log: PublishedLog,
  policy: ReadEntry,
  releases: readonly ReadEntry[],
): Promise<ReadEntry[]> {
  const { rebuilds: rule } = (policy.envelope.statement as StatementOf<"policy">).predicate;
  if (rule === null) return [];
  const found: ReadEntry[] = [];
  for (const { envelope } of releases) {
    const query = { kind: rebuild.kind, digest: envelope.payloadDigest, limit: MAX_SHOWN };
    for (const index of (await log.search(query)).indexes) found.push(await readLoggedEntry(log, index));
  }
  const counts = (entry: ReadEntry) => {
    const { statement, signatures } = entry.envelope;
    const named = statement.kind === rebuild.kind ? statement.predicate.of.digest : null;
    const isOfThese = releases.some(({ envelope }) => envelope.payloadDigest === named);
    const isByThem = signatures.some(({ keyId }) => rule.keys.includes(keyId));
    return isOfThese && isByThem && !isEntryRevoked(log, entry);
  };
  const distinct = [...new Map(found.map((entry) => [entry.index, entry])).values()];
  return distinct.filter(counts).slice(0, MAX_SHOWN);
}

async function revocationsOf(
  log: PublishedLog,
  size: number,
  shown: readonly ReadEntry[],
): Promise<ReadEntry[]> {
  const revocations = await entriesOfKind(log, "revocation", MAX_REVOCATIONS);
  const concerning = revocations.filter(
    (revocation) => revocation.index < size && shown.some((entry) => concerns(revocation, entry)),
  );
  return concerning.slice(0, MAX_SHOWN).reverse();
}

/** An entry with its inclusion proof in a tree that covers it. */
export async function withProof(
  log: PublishedLog,
  { index, envelope }: ReadEntry,
  size: number,
): Promise<LoggedEntry> {
  return { index, envelope, proof: await log.proveInclusion(index, size) };
}
