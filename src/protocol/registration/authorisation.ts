// Decides who may sign what, as a function of the log (docs/formats.md, "Registration"). Thresholds count distinct keys, one single rule
// must be satisfied, rules never combine, and a signature by a key without a role for this entry refuses it.

import type { Kind } from "../entry/kinds.ts";
import { isReleaseKind } from "../entry/kinds.ts";
import type { MixedRole, Role, TrustRoot } from "../entry/trust-root.ts";
import type { Signers } from "../envelope/dsse.ts";
import { refuse } from "./refusal.ts";

/** What authorisation looks at: what the entry is, and whose signatures over it were verified. */
export interface SignedEntry extends Signers {
  readonly kind: Kind;
  readonly name: string;
}

/** A rule: of keys alone, or of keys and identities. */
export type Rule = Role & Partial<Pick<MixedRole, "identities">>;

/**
 * Whether a trust root allows these signers to publish this entry. Trust roots themselves go through
 * `authoriseTrustRoot`, since two of them decide.
 * @returns the rule that is satisfied.
 * @throws PolicyError "not-authorised".
 */
export function authorise(root: TrustRoot, entry: SignedEntry): Rule {
  return requireOneRule(rulesFor(root, entry), entry, `trust root version ${root.version}`);
}

/** A trust root needs a threshold of its own root keys, and of the one before it unless it is the first. */
export function authoriseTrustRoot(previous: TrustRoot | null, next: TrustRoot, by: Signers): void {
  const roles = previous === null ? [next.roles.root] : [previous.roles.root, next.roles.root];
  const stranger = strangersAmong(roles, by)[0];
  if (stranger !== undefined) refuse("not-authorised", `${stranger} has no root role; remove its signature`);
  for (const role of roles) {
    if (!isMet(role, by)) {
      const whose =
        role === next.roles.root ? "its own root role" : "the root role of the trust root before it";
      refuse(
        "not-authorised",
        `needs ${role.threshold} signatures of ${whose}; collect more with 'touchstone sign'`,
      );
    }
  }
}

/** Every rule by which an entry of this kind and name may be published. */
export function rulesFor(root: TrustRoot, { kind, name }: Pick<SignedEntry, "kind" | "name">): Rule[] {
  const { publisher, policy, revocation, status, identityKeys } = root.roles;
  if (isReleaseKind(kind)) {
    return publisher.filter(
      (rule) => rule.kinds.includes(kind) && rule.names.some((p) => matchesName(p, name)),
    );
  }
  if (kind === "policy") return policy.filter((rule) => rule.names.some((p) => matchesName(p, name)));
  if (kind === "identity-keys") return identityKeys === null ? [] : [identityKeys];
  return kind === "revocation" ? [revocation] : kind === "status" ? [status] : [];
}

function requireOneRule(rules: readonly Rule[], entry: SignedEntry, whose: string): Rule {
  const { kind, name, signers, identities } = entry;
  const stranger = strangersAmong(rules, entry)[0];
  if (stranger !== undefined) {
    refuse(
      "not-authorised",
      `${whose} gives ${stranger} no role for ${kind} ${name}; sign with a key that has one`,
    );
  }
  const satisfied = rules.find((rule) => isMet(rule, entry));
  // Whoever owns a provider is everybody whom it can speak for: what decides about releases takes a key beside it.
  if (satisfied !== undefined && !isReleaseKind(kind) && signers.length === 0)
    refuse("not-authorised", `${kind} ${name} needs the signature of a key beside the identity`);
  return (
    satisfied ??
    refuse(
      "not-authorised",
      `no rule of ${whose} for ${kind} ${name} is satisfied by ${signers.length + identities.length} signature(s)`,
    )
  );
}

function strangersAmong(rules: readonly Rule[], { signers, identities }: Signers): string[] {
  return [
    ...signers.filter((key) => !rules.some((rule) => rule.keys.includes(key))).map((key) => `key ${key}`),
    ...identities
      .filter((id) => !rules.some((rule) => rule.identities?.includes(id)))
      .map((id) => `identity ${id}`),
  ];
}

/** Key ids are digests of the keys, so distinct ids are distinct keys. An identity counts once, however many tokens it brings. */
function isMet(rule: Rule, { signers, identities }: Signers): boolean {
  const keys = new Set(signers.filter((key) => rule.keys.includes(key)));
  const named = new Set(identities.filter((id) => rule.identities?.includes(id)));
  return keys.size + named.size >= rule.threshold;
}

/** A literal name; "folder/*" for every name below the folder; "*" for every name. */
export function matchesName(pattern: string, name: string): boolean {
  if (pattern === "*") return true;
  return pattern.endsWith("/*") ? name.startsWith(pattern.slice(0, -1)) : pattern === name;
}
