// Says why no bundle of any policy is answered, for those who run the service. That of one policy is answered with its own reason.
import type { Published } from "../../log/checkpointing/publication.ts";
import type { PublishedLog } from "../../log/published-log.ts";
import type { StatementOf } from "../../protocol/envelope/statement.ts";
import { isAheadOfClock } from "../../protocol/registration/document-times.ts";
import { currentTrustRoot, type InForce } from "../../protocol/registration/in-force.ts";
import { readLoggedEntry } from "../entries/read-entry.ts";

export const NO_BUNDLE_REASONS = [
  "not-published",
  "trust-root-expired",
  "log-closed",
  "checkpoint-ahead-of-clock",
  "checkpoint-stale",
  "status-missing",
  "status-ahead-of-clock",
  "status-expired",
] as const;
export type NoBundleReason = (typeof NO_BUNDLE_REASONS)[number];

/** The first of the verifier's steps that no bundle would pass now, or null. */
export async function whyNoBundle(log: PublishedLog, now: Date): Promise<NoBundleReason | null> {
  const published = log.published();
  const root = published && currentTrustRoot(published.inForce)?.root;
  if (!root) return "not-published";
  if (now.getTime() >= Date.parse(root.expires)) return "trust-root-expired";
  if (root.successor !== null) return "log-closed";
  return whyStale(published, root.maxCheckpointAge, now) ?? (await whyNoStatus(log, published.inForce, now));
}

function whyStale({ cosignedAt }: Published, maxAge: number, now: Date): NoBundleReason | null {
  if (isAheadOfClock(cosignedAt, now)) return "checkpoint-ahead-of-clock";
  return now.getTime() - cosignedAt.getTime() > maxAge * 1000 ? "checkpoint-stale" : null;
}

async function whyNoStatus(
  log: PublishedLog,
  { status }: InForce,
  now: Date,
): Promise<NoBundleReason | null> {
  if (status === null) return "status-missing";
  const { envelope } = await readLoggedEntry(log, status.index);
  const { issuedAt, expires } = (envelope.statement as StatementOf<"status">).predicate;
  if (isAheadOfClock(new Date(issuedAt), now)) return "status-ahead-of-clock";
  return now.getTime() >= Date.parse(expires) ? "status-expired" : null;
}
