// Reads entries of the log as the API shows them: read, decoded, with their proof and what revokes them.
import { setImmediate as turn } from "node:timers/promises";
import type { Published } from "../../log/checkpointing/publication.ts";
import type { PublishedLog, ReadEntry } from "../../log/published-log.ts";
import type { ServedLog } from "../../log/served-log.ts";
import { decodeUtf8 } from "../../protocol/encoding/text.ts";
import { formatTime } from "../../protocol/entry/fields.ts";
import type { Kind } from "../../protocol/entry/kinds.ts";
import { type Envelope, signersOf } from "../../protocol/envelope/dsse.ts";
import { isRevoked } from "../../protocol/registration/in-force.ts";
import { RequestProblem } from "../problem.ts";

/** @throws RequestProblem "beyond-tree" for an index that the published tree does not have. */
export async function readLoggedEntry(log: PublishedLog, index: number): Promise<ReadEntry> {
  const entry = await log.readEntry(index);
  if (entry === undefined) {
    const size = log.published()?.checkpoint.size ?? 0;
    throw new RequestProblem("beyond-tree", `there is no entry ${index}: ${size} entries are published`);
  }
  return entry;
}

/** @throws RequestProblem "not-found" before the log has published anything. */
export function requirePublished(log: PublishedLog): Published {
  const published = log.published();
  if (published === null) throw new RequestProblem("not-found", "the log has not published a checkpoint yet");
  return published;
}

/** What is asked for as current might have been revoked since the log was heard of. @throws RequestProblem "behind" */
export function requireCurrent({ isBehind }: Pick<ServedLog, "isBehind">): void {
  if (isBehind)
    throw new RequestProblem(
      "behind",
      "this service has not heard of the log for a while; ask another one, or again",
    );
}

/** What an entry is called, and whether it still counts: all that a list of entries says. */
export interface NamedEntry {
  readonly index: number;
  readonly kind: Kind;
  readonly name: string;
  readonly version: string;
  readonly revoked: boolean;
}

/** @throws RequestProblem "beyond-tree" */
export async function readNamed(log: PublishedLog, index: number): Promise<NamedEntry> {
  const entry = await readLoggedEntry(log, index);
  const { kind, name, version } = entry.envelope.statement;
  return { index, kind, name, version, revoked: isEntryRevoked(log, entry) };
}

/** The first published checkpoint that covers an entry: it was logged not later than that. */
export interface Coverage {
  readonly size: number;
  /** RFC 3339. */
  readonly cosignedAt: string;
  /** The signed note. */
  readonly checkpoint: string;
}

/** @param index of a published entry: a checkpoint covers it. */
export async function coverageOf(log: PublishedLog, index: number): Promise<Coverage> {
  const covering = await log.firstCheckpointCovering(index + 1);
  if (covering === undefined) throw new Error(`no checkpoint covers entry ${index}`);
  const { size, cosignedAt, note } = covering;
  return { size, cosignedAt: formatTime(new Date(cosignedAt * 1000)), checkpoint: note };
}

/** The statement as JSON: the payload is it already. */
export function statementJson({ payload }: Pick<Envelope, "payload">): Record<string, unknown> {
  return JSON.parse(decodeUtf8(payload)) as Record<string, unknown>;
}

/** Entries read before everybody else has a turn: each takes a tenth of a millisecond. */
const READ_AT_ONCE = 32;

/** Pages through every entry of one kind, newest first, at most `limit` of them. */
export async function entriesOfKind(log: PublishedLog, kind: Kind, limit: number): Promise<ReadEntry[]> {
  const entries: ReadEntry[] = [];
  for (let before: number | null | undefined; before !== null && entries.length < limit; await turn()) {
    const page = await log.search({ kind, before, limit: Math.min(READ_AT_ONCE, limit - entries.length) });
    for (const index of page.indexes) entries.push(await readLoggedEntry(log, index));
    before = page.next;
  }
  return entries;
}

/** Whether an entry is revoked under what is published. */
export function isEntryRevoked(log: PublishedLog, { index, envelope }: ReadEntry): boolean {
  return isRevoked(log.inForce, {
    kind: envelope.statement.kind,
    index,
    digest: envelope.payloadDigest,
    ...signersOf(envelope),
  });
}

/** The revocations that name this entry, or a key that signed it at its index; oldest first. Empty unless it is revoked. */
export async function revokedBy(log: PublishedLog, entry: ReadEntry): Promise<number[]> {
  if (!isEntryRevoked(log, entry)) return [];
  const revocations = await entriesOfKind(log, "revocation", MAX_REVOCATIONS);
  return revocations
    .filter((revocation) => concerns(revocation, entry))
    .map(({ index }) => index)
    .reverse();
}

/** More than this many revocations cannot be told apart by a status either. */
export const MAX_REVOCATIONS = 1024;

/** Whether a revocation names an entry, by digest, or by a range of a key or an identity. */
export function concerns({ envelope: { statement } }: ReadEntry, { index, envelope }: ReadEntry): boolean {
  if (statement.kind !== "revocation") return false;
  return isRevoked(
    {
      revokedDigests: new Set(statement.predicate.digests),
      revokedKeys: statement.predicate.keys,
      revokedIdentities: statement.predicate.identities,
    },
    {
      kind: envelope.statement.kind,
      index,
      digest: envelope.payloadDigest,
      ...signersOf(envelope),
    },
  );
}
