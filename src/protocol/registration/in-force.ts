// Computes what is in force after a number of entries: trust roots, newest policies, everything revoked, the newest status.
// It is small, whatever the size of the log, and follows from the entries alone.

import type { Kind } from "../entry/kinds.ts";
import type { RevokedKey } from "../entry/revocation.ts";
import type { Status } from "../entry/status.ts";
import type { TrustRoot } from "../entry/trust-root.ts";
import { canonicalize } from "../envelope/canonical-json.ts";
import type { Statement, StatementOf } from "../envelope/statement.ts";

/** A statement at its place in the log. */
export interface PlacedStatement {
  readonly index: number;
  readonly payloadDigest: string;
  readonly statement: Statement;
}

/**
 * @example
 * ```ts
 * import type { InForce } from "touchstone/protocol";
 * const policiesOf = ({ policies }: InForce): string[] => [...policies.keys()];
 * ```
 */
export interface InForce {
  /** Number of entries that were registered. */
  readonly size: number;
  /** Every trust root, oldest first. */
  readonly trustRoots: ReadonlyArray<{
    readonly index: number;
    readonly digest: string;
    readonly root: TrustRoot;
  }>;
  /** Newest version of each policy, by name. */
  readonly policies: ReadonlyMap<
    string,
    { readonly index: number; readonly version: number; readonly digest: string }
  >;
  readonly revokedDigests: ReadonlySet<string>;
  readonly revokedKeys: readonly RevokedKey[];
  readonly status: { readonly index: number; readonly digest: string; readonly sequence: number } | null;
  /** One more than the index of the newest entry that changed any of the above but the status. */
  readonly changedAt: number;
}

/**
 * @example
 * ```ts
 * import { NOTHING_IN_FORCE } from "touchstone/protocol";
 * NOTHING_IN_FORCE.size; // 0: a log begins here, and its entries are applied one after the other
 * ```
 */
export const NOTHING_IN_FORCE: InForce = {
  size: 0,
  trustRoots: [],
  policies: new Map(),
  revokedDigests: new Set(),
  revokedKeys: [],
  status: null,
  changedAt: 0,
};

/** The newest trust root, or undefined for an empty log. */
export function currentTrustRoot(inForce: InForce): InForce["trustRoots"][number] | undefined {
  return inForce.trustRoots.at(-1);
}

/**
 * The state after one more entry, which must be allowed (see register.ts).
 * @example
 * ```ts
 * import { applyEntry, type Envelope, type InForce, NOTHING_IN_FORCE } from "touchstone/protocol";
 * const founded = (root: Envelope): InForce =>
 *   applyEntry(NOTHING_IN_FORCE, { index: 0, payloadDigest: root.payloadDigest, statement: root.statement });
 * ```
 */
export function applyEntry(
  inForce: InForce,
  { index, payloadDigest: digest, statement }: PlacedStatement,
): InForce {
  const next = { ...inForce, size: index + 1 };
  const change = { ...next, changedAt: index + 1 };
  switch (statement.kind) {
    case "trust-root":
      return { ...change, trustRoots: [...inForce.trustRoots, { index, digest, root: statement.predicate }] };
    case "policy": {
      const { name, version } = statement.predicate;
      return { ...change, policies: new Map(inForce.policies).set(name, { index, version, digest }) };
    }
    case "revocation":
      return { ...change, ...revoke(inForce, statement) };
    case "status":
      return { ...next, status: { index, digest, sequence: statement.predicate.sequence } };
    default:
      return next;
  }
}

function revoke(
  inForce: InForce,
  { predicate }: StatementOf<"revocation">,
): Pick<InForce, "revokedDigests" | "revokedKeys"> {
  const ranges = new Map(
    [...inForce.revokedKeys, ...predicate.keys].map((range) => [canonicalize(range), range]),
  );
  return {
    revokedDigests: new Set([...inForce.revokedDigests, ...predicate.digests]),
    revokedKeys: [...ranges.values()],
  };
}

/** Kinds that stay in force whatever happens to a key: their own succession is what replaces them. */
const NEVER_REVOKED: readonly Kind[] = ["trust-root", "revocation"];

/** Whether an entry is revoked, by its payload digest or because a stolen key signed it within the revoked range. */
export function isRevoked(
  revoked: Pick<InForce, "revokedDigests" | "revokedKeys">,
  entry: {
    readonly kind: Kind;
    readonly index: number;
    readonly digest: string;
    readonly signers: readonly string[];
  },
): boolean {
  if (NEVER_REVOKED.includes(entry.kind)) return false;
  return (
    revoked.revokedDigests.has(entry.digest) ||
    entry.signers.some((key) => isKeyRevoked(revoked.revokedKeys, key, entry.index))
  );
}

export function isKeyRevoked(ranges: readonly RevokedKey[], keyId: string, index: number): boolean {
  return ranges.some((range) => range.keyId === keyId && range.fromIndex <= index && index < range.toIndex);
}

/** The part of a status that follows from the log. Whoever replays the log computes the same. */
export type StatusSummary = Pick<Status, "trustRoot" | "policies" | "revokedDigests" | "revokedKeys">;

/**
 * @throws TypeError for an empty log, which has no trust root to summarise.
 * @example
 * ```ts
 * import { type InForce, summarise } from "touchstone/protocol";
 * const revoked = (inForce: InForce): readonly string[] => summarise(inForce).revokedDigests;
 * ```
 */
export function summarise(inForce: InForce): StatusSummary {
  const newest = currentTrustRoot(inForce);
  if (newest === undefined) throw new TypeError("an empty log has no status");
  const policies = [...inForce.policies].map(([name, { version, digest }]) => ({ name, version, digest }));
  return {
    trustRoot: { version: newest.root.version, digest: newest.digest },
    policies: policies.sort((a, b) => (a.name < b.name ? -1 : 1)),
    revokedDigests: [...inForce.revokedDigests].sort(),
    revokedKeys: [...inForce.revokedKeys],
  };
}
