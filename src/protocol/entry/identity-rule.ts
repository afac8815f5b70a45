// Defines identity rules: whom a trust root lets publish by a token of an OpenID Connect provider, in place of a key of their own.
// What such a rule may look at is compiled in: ids that a provider never gives to somebody else, and never names or addresses of people.
import { differ } from "./fields.ts";
import type { IdentityRule } from "./identity-rule.shape.ts";

export type { IdentityRule } from "./identity-rule.shape.ts";

/** RFC 7518 §3.3 and §3.4. Nothing symmetric, and no "none". */
export const TOKEN_ALGORITHMS = ["RS256", "ES256"] as const;
export type TokenAlgorithm = (typeof TOKEN_ALGORITHMS)[number];

/** `github`: GitHub Actions. `generic`: any provider whose tokens take the audience that is asked for at run time. */
export const PROVIDERS = ["github", "generic"] as const;

/** GitHub's events that run the repository's own code at the word of somebody who may write to it. */
export const EVENTS = ["push", "release", "workflow_dispatch", "schedule", "repository_dispatch"] as const;

interface ProviderClaims {
  /** A rule without one of them would follow a name to its next owner. */
  readonly required: readonly string[];
  readonly allowed: readonly string[];
}

const CLAIMS: Readonly<Record<IdentityRule["provider"], ProviderClaims>> = {
  // Not `sub`, which names the repository, and has another form since July 2026.
  github: {
    required: ["repository_id", "repository_owner_id"],
    allowed: [
      "repository_id",
      "repository_owner_id",
      "enterprise_id",
      "environment",
      "runner_environment",
      "ref_protected",
      "ref_type",
      "repository_visibility",
      "job_workflow_sha",
    ],
  },
  // OpenID Connect Core §2: a subject is never given to anybody else.
  generic: {
    required: ["sub"],
    allowed: ["sub", "organization_id", "project_id", "pipeline_id", "environment", "runner_environment"],
  },
};

/** Whether the claims are ones that can be relied upon, with those without which the rule would mean nobody in particular. */
export function pinsWhatStays({ provider, claims }: Pick<IdentityRule, "provider" | "claims">): boolean {
  const { required, allowed } = CLAIMS[provider];
  const pinned = Object.keys(claims);
  return required.every((name) => pinned.includes(name)) && pinned.every((name) => allowed.includes(name));
}

/** Whether workflow and events are pinned where the provider states them, and only there. */
export function fitsProvider({
  provider,
  workflow,
  events,
}: Pick<IdentityRule, "provider" | "workflow" | "events">): boolean {
  return provider === "github"
    ? workflow !== null && events.length > 0 && differ(events)
    : workflow === null && events.length === 0;
}

/** Whether the rule asks for an environment, which is where a provider lets people review a run. */
export function pinsEnvironment({ claims }: Pick<IdentityRule, "claims">): boolean {
  return Object.hasOwn(claims, "environment");
}
