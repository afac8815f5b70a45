// Checks documents that follow one another: trust roots, policies and statuses. Each names the one before it by digest.

import type { TrustRoot } from "../entry/trust-root.ts";
import { canonicalize } from "../envelope/canonical-json.ts";
import type { StatementOf } from "../envelope/statement.ts";
import type { MalformedError } from "../errors.ts";
import { ED25519, type NoteKeyType } from "../note/key.ts";
import { parseTlogPolicy, type TlogPolicy } from "../note/tlog-policy.ts";
import { currentTrustRoot, type InForce, isRevoked, NOTHING_IN_FORCE, summarise } from "./in-force.ts";
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
  const { publisher, policy, root: own, revocation, status } = root.roles;
  for (const role of [own, revocation, status, ...publisher, ...policy]) {
    const stranger = role.keys.find((key) => !keyIds.has(key));
    if (stranger !== undefined) unusable(`a role names key ${stranger}, which is not among its keys`);
  }
  const logPolicy = readLogPolicy(root.logPolicy, unusable);
  const logTypes = logPolicy.logs.map(({ key }) => key.type);
  if (logPolicy.logs.some(({ key }) => key.name !== root.origin) || !isOneOfEach(logTypes))
    unusable(
      `logPolicy must name exactly one log, with key name ${root.origin}: an Ed25519 key, and beside it at most one of ML-DSA-44`,
    );
  if (logPolicy.quorum === "none")
    unusable("logPolicy has 'quorum none', which gives checkpoints no time; name at least one witness");
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
 * @throws PolicyError "wrong-predecessor" | "lifetime-too-long" | "status-not-true".
 */
export function checkStatus({ predicate }: StatementOf<"status">, inForce: InForce, root: TrustRoot): void {
  const before = inForce.status ?? undefined;
  requireNext(
    "status",
    { version: predicate.sequence, previous: predicate.previous },
    before && { version: before.sequence, digest: before.digest },
  );
  if (seconds(predicate.issuedAt, predicate.expires) > root.maxStatusAge) {
    refuse("lifetime-too-long", `a status may be valid for at most ${root.maxStatusAge} s by the trust root`);
  }
  if (predicate.treeSize > inForce.size || predicate.treeSize < inForce.changedAt) {
    refuse(
      "status-not-true",
      `treeSize must lie between ${inForce.changedAt}, the newest change, and the tree size ${inForce.size}`,
    );
  }
  const { trustRoot, policies, revokedDigests, revokedKeys } = predicate;
  if (
    canonicalize({ trustRoot, policies, revokedDigests, revokedKeys }) !== canonicalize(summarise(inForce))
  ) {
    refuse(
      "status-not-true",
      "the status differs from what the log says; draft it again with 'touchstone status publish'",
    );
  }
}

/** @throws PolicyError "revocation-target" | "status-capacity". */
export function checkRevocation(
  { predicate }: StatementOf<"revocation">,
  find: (digest: string) => EntryRecord | undefined,
): void {
  for (const digest of predicate.digests) {
    const target = find(digest);
    if (target === undefined) refuse("revocation-target", `sha256:${digest} is not in the log`);
    const asRevoked = { revokedDigests: new Set([digest]), revokedKeys: NOTHING_IN_FORCE.revokedKeys };
    if (target.kind === "status" || !isRevoked(asRevoked, target)) {
      refuse("revocation-target", `a ${target.kind} cannot be revoked; publish its successor`);
    }
  }
}

/** A status must be able to hold everything: what would make that impossible is refused now, and not when the status is due. */
export function checkStatusCapacity(after: InForce): void {
  if (after.revokedDigests.size > 512 || after.revokedKeys.length > 64 || after.policies.size > 128) {
    refuse(
      "status-capacity",
      "a status holds 512 revoked digests, 64 revoked keys and 128 policies; revoke a key range instead",
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
