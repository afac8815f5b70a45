// Decides who may sign what, as a function of the log (docs/formats.md, "Registration"). Thresholds count distinct keys, one single rule
// must be satisfied, rules never combine, and a signature by a key without a role for this entry refuses it.

import type { Kind } from "../entry/kinds.ts";
import { isReleaseKind } from "../entry/kinds.ts";
import type { Role, TrustRoot } from "../entry/trust-root.ts";
import { refuse } from "./refusal.ts";

/** What authorisation looks at: what the entry is, and which keys' signatures over it were verified. */
export interface SignedIdentity {
  readonly kind: Kind;
  readonly name: string;
  readonly signers: readonly string[];
}

/**
 * Whether a trust root allows these signers to publish this entry. Trust roots themselves go through
 * `authoriseTrustRoot`, since two of them decide.
 * @returns the rule that is satisfied.
 * @throws PolicyError "not-authorised".
 */
export function authorise(root: TrustRoot, entry: SignedIdentity): Role {
  return requireOneRule(rulesFor(root, entry), entry, `trust root version ${root.version}`);
}

/** A trust root needs a threshold of its own root keys, and of the one before it unless it is the first. */
export function authoriseTrustRoot(
  previous: TrustRoot | null,
  next: TrustRoot,
  signers: readonly string[],
): void {
  const roles = previous === null ? [next.roles.root] : [previous.roles.root, next.roles.root];
  const stranger = signers.find((key) => !roles.some((role) => role.keys.includes(key)));
  if (stranger !== undefined)
    refuse("not-authorised", `key ${stranger} has no root role; remove its signature`);
  for (const role of roles) {
    if (!isMet(role, signers)) {
      const whose =
        role === next.roles.root ? "its own root role" : "the root role of the trust root before it";
      refuse(
        "not-authorised",
        `needs ${role.threshold} signatures of ${whose}; collect more with 'touchstone sign'`,
      );
    }
  }
}

function rulesFor(root: TrustRoot, { kind, name }: SignedIdentity): Role[] {
  const { publisher, policy, revocation, status } = root.roles;
  if (isReleaseKind(kind)) {
    return publisher.filter(
      (rule) => rule.kinds.includes(kind) && rule.names.some((p) => matchesName(p, name)),
    );
  }
  if (kind === "policy") return policy.filter((rule) => rule.names.some((p) => matchesName(p, name)));
  return kind === "revocation" ? [revocation] : kind === "status" ? [status] : [];
}

function requireOneRule(
  rules: readonly Role[],
  { kind, name, signers }: SignedIdentity,
  whose: string,
): Role {
  const stranger = signers.find((key) => !rules.some((rule) => rule.keys.includes(key)));
  if (stranger !== undefined) {
    refuse(
      "not-authorised",
      `${whose} gives key ${stranger} no role for ${kind} ${name}; sign with a key that has one`,
    );
  }
  const satisfied = rules.find((rule) => isMet(rule, signers));
  return (
    satisfied ??
    refuse(
      "not-authorised",
      `no rule of ${whose} for ${kind} ${name} is satisfied by ${signers.length} signature(s)`,
    )
  );
}

/** Key ids are digests of the keys, so distinct ids are distinct keys. */
function isMet(rule: Role, signers: readonly string[]): boolean {
  return new Set(signers.filter((key) => rule.keys.includes(key))).size >= rule.threshold;
}

/** A literal name; "folder/*" for every name below the folder; "*" for every name. */
export function matchesName(pattern: string, name: string): boolean {
  if (pattern === "*") return true;
  return pattern.endsWith("/*") ? name.startsWith(pattern.slice(0, -1)) : pattern === name;
}
