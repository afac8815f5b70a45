// Checks documents that follow one another: trust roots, policies and statuses. Each names the one before it by digest.

import type { IdentityKeys } from "../entry/identity-keys.ts";
import { pinsEnvironment } from "../entry/identity-rule.ts";
import type { Status } from "../entry/status.ts";
import type { TrustRoot } from "../entry/trust-root.ts";
import { canonicalize } from "../envelope/canonical-json.ts";
import type { StatementOf } from "../envelope/statement.ts";
import type { MalformedError } from "../errors.ts";
import { ED25519, type NoteKeyType } from "../note/key.ts";
import { parseTlogPolicy, type TlogPolicy } from "../note/tlog-policy.ts";
import { checkSameProvider } from "./identities.ts";
import {
  currentTrustRoot,
  type InForce,
  isRevoked,
  NOTHING_IN_FORCE,
  newestIdentityKeys,
  summarise,
} from "./in-force.ts";
import type { EntryRecord } from "./references.ts";
import { refuse } from "./refusal.ts";

const seconds = (from: string, to: string) => (Date.parse(to) - Date.parse(from)) / 1000;

/**
 * Whether a trust root can be worked with at all: its roles name keys that it lists, and its tlog-policy names one log with
 * this origin and a quorum.
 * @throws PolicyError "trust-root-not-usable".
 */
export function checkTrustRootUsable(root: TrustRoot, keyIds: ReadonlySet<string>): void {
  const unusable = (why: string): never =>
    refuse("trust-root-not-usable", `trust root version ${root.version}: ${why}`);
  if (keyIds.size !== root.keys.length) unusable("a key is listed twice");
  const { publisher, policy, root: own, revocation, status, identityKeys } = root.roles;
  const keyRoles = [
    own,
    revocation,
    status,
    ...publisher,
    ...policy,
    ...(identityKeys ? [identityKeys] : []),
  ];
  for (const role of keyRoles) {
    const stranger = role.keys.find((key) => !keyIds.has(key));
    if (stranger !== undefined) unusable(`a role names key ${stranger}, which is not among its keys`);
  }
  checkIdentitiesUsable(root, unusable);
  const logPolicy = readLogPolicy(root.logPolicy, unusable);
  const logTypes = logPolicy.logs.map(({ key }) => key.type);
  if (logPolicy.logs.some(({ key }) => key.name !== root.origin) || !isOneOfEach(logTypes))
    unusable(
      `logPolicy must name exactly one log, with key name ${root.origin}: an Ed25519 key, and beside it at most one of ML-DSA-44`,
    );
  if (logPolicy.quorum === "none")
    unusable("logPolicy has 'quorum none', which gives checkpoints no time; name at least one witness");
}

/** What an identity may do alone is release; what decides about releases takes a key beside it, and people who looked at the run. */
function checkIdentitiesUsable({ roles, identities }: TrustRoot, unusable: (why: string) => never): void {
  const rules = new Map(identities.map((rule) => [rule.id, rule]));
  if (rules.size !== identities.length) unusable("two identity rules have one id");
  if (identities.length > 0 && roles.identityKeys === null)
    unusable("it has identity rules, and nobody has the role identityKeys to state their providers' keys");
  for (const role of [...roles.publisher, ...roles.policy, roles.revocation])
    for (const id of role.identities)
      if (!rules.has(id)) unusable(`a role names identity ${id}, which is not among its identities`);
  for (const role of [...roles.policy, roles.revocation])
    for (const id of role.identities)
      if (role.threshold < 2 || !pinsEnvironment(rules.get(id) ?? { claims: {} }))
        unusable(
          `identity ${id} may sign policies or revocations only under a threshold of 2 or more and with its environment pinned`,
        );
}

/** Public witnesses need an Ed25519 signature of the log (C2SP tlog-tiles); ML-DSA-44 may stand beside it. */
function isOneOfEach(types: readonly NoteKeyType[]): boolean {
  return types.includes(ED25519) && new Set(types).size === types.length;
}

function readLogPolicy(text: string, unusable: (why: string) => never): TlogPolicy {
  try {
    return parseTlogPolicy(text);
  } catch (error) {
    return unusable(`logPolicy: ${(error as MalformedError).message}`);
  }
}

/** @throws PolicyError "wrong-predecessor" | "trust-root-not-first" | "successor-not-true". */
export function checkTrustRootSuccession(root: TrustRoot, inForce: InForce, treeRoot: () => string): void {
  const current = currentTrustRoot(inForce);
  if (current === undefined && root.version !== 1)
    refuse("wrong-predecessor", "the first entry must be trust root version 1");
  if (current !== undefined) {
    requireNext("trust root", root, { version: current.root.version, digest: current.digest });
    if (root.origin !== current.root.origin)
      refuse("wrong-predecessor", `the origin stays ${current.root.origin} for ever`);
  }
  if (root.successor === null) return;
  const { finalSize, finalRoot } = root.successor;
  if (finalSize !== inForce.size || finalRoot !== treeRoot()) {
    refuse(
      "successor-not-true",
      `finalSize and finalRoot must be those of the tree before this entry, size ${inForce.size}`,
    );
  }
}

/** @throws PolicyError "wrong-predecessor" | "lifetime-too-long". */
export function checkPolicySuccession(
  { predicate }: StatementOf<"policy">,
  inForce: InForce,
  root: TrustRoot,
): void {
  requireNext(`policy ${predicate.name}`, predicate, inForce.policies.get(predicate.name));
  if (seconds(predicate.validFrom, predicate.expires) > root.maxPolicyLifetime) {
    refuse(
      "lifetime-too-long",
      `a policy may be valid for at most ${root.maxPolicyLifetime} s by the trust root`,
    );
  }
}

/**
 * A status must follow the one before it, and say exactly what the log says: it is recomputed here.
 * @param indexRoot root of the index over the first entries, hex; undefined where it is not to be had.
 * @throws PolicyError "wrong-predecessor" | "lifetime-too-long" | "status-not-true".
 */
export function checkStatus(
  { predicate }: StatementOf<"status">,
  inForce: InForce,
  root: TrustRoot,
  indexRoot: (size: number) => string | undefined,
): void {
  const before = inForce.status ?? undefined;
  requireNext(
    "status",
    { version: predicate.sequence, previous: predicate.previous },
    before && { version: before.sequence, digest: before.digest },
  );
  if (seconds(predicate.issuedAt, predicate.expires) > root.maxStatusAge) {
    refuse("lifetime-too-long", `a status may be valid for at most ${root.maxStatusAge} s by the trust root`);
  }
  const newest = Math.max(inForce.changedAt, before?.treeSize ?? 0);
  if (predicate.treeSize > inForce.size || predicate.treeSize < newest) {
    refuse(
      "status-not-true",
      `treeSize must lie between ${newest}, the newest change or that of the status before, and the tree size ${inForce.size}`,
    );
  }
  const { trustRoot, policies, identityKeys, revokedDigests, revokedKeys, revokedIdentities } = predicate;
  const summary = { trustRoot, policies, identityKeys, revokedDigests, revokedKeys, revokedIdentities };
  if (canonicalize(summary) !== canonicalize(summarise(inForce))) {
    refuse(
      "status-not-true",
      "the status differs from what the log says; draft it again with 'touchstone status publish'",
    );
  }
  if (!isIndexedAs(predicate, root)) {
    refuse(
      "status-not-true",
      `the trust root says index: ${root.index}, and the status ${root.index ? "has none" : "has one"}`,
    );
  }
  if (predicate.index !== null) checkIndex(predicate.index, indexRoot);
}

function checkIndex(
  { size, root }: NonNullable<Status["index"]>,
  indexRoot: (size: number) => string | undefined,
) {
  const actual = indexRoot(size);
  if (actual === root) return;
  const why =
    actual === undefined
      ? `no index of the first ${size} entries is kept; a status is drafted at a size that was published lately`
      : `the index of the first ${size} entries has root ${actual}, not ${root}`;
  refuse("status-not-true", `${why}; draft it again with 'touchstone status publish'`);
}

/** Whether a status commits to an index exactly where the trust root in force says that statuses do. */
export function isIndexedAs({ index }: Pick<Status, "index">, root: Pick<TrustRoot, "index">): boolean {
  return (index !== null) === root.index;
}

/** @throws PolicyError "revocation-target" | "status-capacity". */
export function checkRevocation(
  { predicate }: StatementOf<"revocation">,
  find: (digest: string) => EntryRecord | undefined,
): void {
  for (const digest of predicate.digests) {
    const target = find(digest);
    if (target === undefined) refuse("revocation-target", `sha256:${digest} is not in the log`);
    const asRevoked = { ...NOTHING_IN_FORCE, revokedDigests: new Set([digest]) };
    if (target.kind === "status" || !isRevoked(asRevoked, target)) {
      refuse("revocation-target", `a ${target.kind} cannot be revoked; publish its successor`);
    }
  }
}

/** @throws PolicyError "wrong-predecessor". */
export function checkIdentityKeys(next: IdentityKeys, inForce: InForce): void {
  const before = newestIdentityKeys(inForce).get(next.name);
  requireNext(
    `identity-keys ${next.name}`,
    next,
    before && { version: before.keys.version, digest: before.digest },
  );
  checkSameProvider(next, inForce.identityKeys);
}

/** A status must be able to hold everything: what would make that impossible is refused now, and not when the status is due. */
export function checkStatusCapacity(after: InForce): void {
  if (
    after.revokedDigests.size > 512 ||
    after.revokedKeys.length > 64 ||
    after.revokedIdentities.length > 64 ||
    after.policies.size > 128 ||
    newestIdentityKeys(after).size > 16
  ) {
    refuse(
      "status-capacity",
      "a status holds 512 revoked digests, 64 revoked keys and as many identities, 128 policies and 16 providers; revoke a key range instead",
    );
  }
}

function requireNext(
  what: string,
  next: { readonly version: number; readonly previous: string | null },
  before: { readonly version: number; readonly digest: string } | undefined,
): void {
  const expected = { version: (before?.version ?? 0) + 1, previous: before?.digest ?? null };
  if (next.version !== expected.version || next.previous !== expected.previous) {
    refuse(
      "wrong-predecessor",
      `${what}: version ${expected.version} must follow, with previous ${expected.previous}; got ${next.version}, ${next.previous}. Draft it again`,
    );
  }
}
