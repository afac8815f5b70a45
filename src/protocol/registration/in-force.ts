// Computes what is in force after a number of entries: trust roots, newest policies, everything revoked, the newest status.
// It is small, whatever the size of the log, and follows from the entries alone.

import type { IdentityKeys } from "../entry/identity-keys.ts";
import type { Kind } from "../entry/kinds.ts";
import type { RevokedIdentity, RevokedKey } from "../entry/revocation.ts";
import type { Status } from "../entry/status.ts";
import type { TrustRoot } from "../entry/trust-root.ts";
import { canonicalize } from "../envelope/canonical-json.ts";
import { type Envelope, type Signers, signersOf } from "../envelope/dsse.ts";
import type { StatementOf } from "../envelope/statement.ts";

/** An entry at its place in the log. */
export interface PlacedEntry
  extends Pick<Envelope, "payloadDigest" | "statement" | "signatures" | "recordedAt"> {
  readonly index: number;
}

/** Keys of a provider at their place in the log. */
export interface PlacedIdentityKeys extends Signers {
  readonly index: number;
  readonly digest: string;
  readonly keys: IdentityKeys;
}

/** The newest status at its place in the log. */
export interface PlacedStatus extends Pick<Status, "sequence" | "treeSize"> {
  readonly index: number;
  readonly digest: string;
  /** Root of the index that it states, hex; null where it states none. */
  readonly indexRoot: string | null;
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
  readonly revokedIdentities: readonly RevokedIdentity[];
  /** All keys of every provider of identities, oldest first. */
  readonly identityKeys: readonly PlacedIdentityKeys[];
  /** When the newest entry with an identity was recorded; null before the first. */
  readonly recordedAt: string | null;
  readonly status: PlacedStatus | null;
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
  revokedIdentities: [],
  identityKeys: [],
  recordedAt: null,
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
 *   applyEntry(NOTHING_IN_FORCE, { ...root, index: 0 });
 * ```
 */
export function applyEntry(inForce: InForce, entry: PlacedEntry): InForce {
  const { index, payloadDigest: digest, statement } = entry;
  const next = { ...inForce, size: index + 1, recordedAt: entry.recordedAt ?? inForce.recordedAt };
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
    case "identity-keys": {
      const placed = { index, digest, keys: statement.predicate, ...signersOf(entry) };
      return { ...change, identityKeys: [...inForce.identityKeys, placed] };
    }
    case "status": {
      const { sequence, treeSize, index: stated } = statement.predicate;
      return { ...next, status: { index, digest, sequence, treeSize, indexRoot: stated?.root ?? null } };
    }
    default:
      return next;
  }
}

function revoke(
  inForce: InForce,
  { predicate }: StatementOf<"revocation">,
): Pick<InForce, "revokedDigests" | "revokedKeys" | "revokedIdentities"> {
  return {
    revokedDigests: new Set([...inForce.revokedDigests, ...predicate.digests]),
    revokedKeys: eachOnce([...inForce.revokedKeys, ...predicate.keys]),
    revokedIdentities: eachOnce([...inForce.revokedIdentities, ...predicate.identities]),
  };
}

function eachOnce<T>(ranges: readonly T[]): T[] {
  return [...new Map(ranges.map((range) => [canonicalize(range), range])).values()];
}

/** Kinds that stay in force whatever happens to a key: their own succession is what replaces them. */
const NEVER_REVOKED: readonly Kind[] = ["trust-root", "revocation"];

/** What revocations say. */
export type Revoked = Pick<InForce, "revokedDigests" | "revokedKeys" | "revokedIdentities">;

/** Whether an entry is revoked: by its payload digest, or because a stolen key or identity signed it within the revoked range. */
export function isRevoked(
  revoked: Revoked,
  entry: Signers & { readonly kind: Kind; readonly index: number; readonly digest: string },
): boolean {
  if (NEVER_REVOKED.includes(entry.kind)) return false;
  return (
    revoked.revokedDigests.has(entry.digest) ||
    entry.signers.some((key) => isKeyRevoked(revoked.revokedKeys, key, entry.index)) ||
    entry.identities.some((rule) => isIdentityRevoked(revoked.revokedIdentities, rule, entry.index))
  );
}

export function isKeyRevoked(ranges: readonly RevokedKey[], keyId: string, index: number): boolean {
  return ranges.some((range) => range.keyId === keyId && range.fromIndex <= index && index < range.toIndex);
}

export function isIdentityRevoked(ranges: readonly RevokedIdentity[], rule: string, index: number): boolean {
  return ranges.some((range) => range.rule === rule && range.fromIndex <= index && index < range.toIndex);
}

/** The part of a status that follows from the log. Whoever replays the log computes the same. */
export type StatusSummary = Pick<
  Status,
  "trustRoot" | "policies" | "identityKeys" | "revokedDigests" | "revokedKeys" | "revokedIdentities"
>;

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
  const identityKeys = [...newestIdentityKeys(inForce).values()].map(({ digest, keys }) => ({
    name: keys.name,
    version: keys.version,
    digest,
  }));
  const byName = (a: { readonly name: string }, b: { readonly name: string }) => (a.name < b.name ? -1 : 1);
  return {
    trustRoot: { version: newest.root.version, digest: newest.digest },
    policies: policies.sort(byName),
    identityKeys: identityKeys.sort(byName),
    revokedDigests: [...inForce.revokedDigests].sort(),
    revokedKeys: [...inForce.revokedKeys],
    revokedIdentities: [...inForce.revokedIdentities],
  };
}

/** The newest keys of each provider, by the name that the log has for it. */
export function newestIdentityKeys({
  identityKeys,
}: Pick<InForce, "identityKeys">): ReadonlyMap<string, PlacedIdentityKeys> {
  return new Map(identityKeys.map((placed) => [placed.keys.name, placed]));
}
