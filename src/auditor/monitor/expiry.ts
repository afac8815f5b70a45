// Says what has expired, or is close to it: status, policies, trust root and checkpoint. Each is warned of so long before its end that
// somebody can renew it by day.
import type { TrustRoot } from "../../protocol/entry/trust-root.ts";
import { parseLeaf, signersOf } from "../../protocol/envelope/dsse.ts";
import { isAheadOfClock } from "../../protocol/registration/document-times.ts";
import { type InForce, isRevoked } from "../../protocol/registration/in-force.ts";
import type { AuditState } from "../audit-state.ts";
import type { Finding } from "./finding.ts";

const DAY = 86_400_000;
/** Longest warnings, milliseconds. What lives shorter is warned of in the last quarter of its life. */
const WARNINGS = { status: DAY / 2, policy: 7 * DAY, "trust-root": 90 * DAY, checkpoint: DAY / 2 } as const;

export interface ExpiryOptions {
  readonly now: Date;
  /** Names of the policies that are of interest; all of them where it is null. */
  readonly policies: readonly string[] | null;
}

/** What the replayed log says of its documents. */
export function documentExpiry(
  state: AuditState,
  inForce: InForce,
  root: TrustRoot,
  { now, policies }: ExpiryOptions,
): Finding[] {
  const findings = [expiry("trust-root", `version ${root.version}`, null, root.expires, now)];
  for (const { index, leaf } of state.records.governing()) {
    const envelope = parseLeaf(leaf);
    const { statement, payloadDigest: digest } = envelope;
    const { kind, name } = statement;
    if (isRevoked(inForce, { kind, index, digest, ...signersOf(envelope) })) continue;
    if (kind === "policy" && (policies === null || policies.includes(name))) {
      const { validFrom, expires } = statement.predicate;
      findings.push(expiry("policy", name, validFrom, expires, now));
    } else if (kind === "status") {
      const { issuedAt, expires, sequence } = statement.predicate;
      findings.push(expiry("status", `sequence ${sequence}`, issuedAt, expires, now), ahead(issuedAt, now));
    }
  }
  return findings.filter((finding) => finding !== null);
}

/** @param cosignedAt POSIX seconds: from then on the checkpoint is good for the trust root's maxCheckpointAge. */
export function checkpointExpiry(cosignedAt: number, root: TrustRoot, now: Date): Finding[] {
  const from = new Date(cosignedAt * 1000).toISOString();
  const expires = new Date((cosignedAt + root.maxCheckpointAge) * 1000).toISOString();
  return [expiry("checkpoint", "of the log", from, expires, now)].filter((finding) => finding !== null);
}

function expiry(
  what: keyof typeof WARNINGS,
  which: string,
  from: string | null,
  expires: string,
  now: Date,
): Finding | null {
  const left = Date.parse(expires) - now.getTime();
  const life = from === null ? Number.POSITIVE_INFINITY : Date.parse(expires) - Date.parse(from);
  // One subject for the document and its successors: the renewed one ends what the old one began.
  const about = { class: "freshness", subject: what === "policy" ? which : what } as const;
  const named = `${what} ${which}`;
  if (left <= 0) return { ...about, code: `${what}-expired`, message: `${named} expired ${expires}` };
  if (left > Math.min(WARNINGS[what], life / 4)) return null;
  return { ...about, code: `${what}-expires-soon`, message: `${named} expires ${expires}` };
}

function ahead(issuedAt: string, now: Date): Finding | null {
  if (!isAheadOfClock(new Date(issuedAt), now)) return null;
  return {
    class: "freshness",
    code: "status-ahead-of-clock",
    subject: "status",
    message: `the newest status was issued ${issuedAt}, and here it is ${now.toISOString()}`,
  };
}
