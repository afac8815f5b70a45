// Reads what identity-rule.schema.ts describes. Generated from it by `npm run generate`; do not edit.
import { list, nullable, object, oneOf, record } from "../shape/containers.ts";
import { atLeast, atMost, from, matching, safeInteger, string, upTo } from "../shape/scalars.ts";
import { rule, type Shape } from "../shape/shape.ts";
import { differ, PRINTABLE } from "./fields.ts";
import { fitsProvider, pinsWhatStays } from "./identity-rule.ts";

/** Id of an identity rule of the trust root */
export const ruleId: Shape<string> = string(matching(/^[a-z0-9][a-z0-9._-]{0,63}$/));

/** The provider's issuer, as its tokens state it in iss */
export const issuer: Shape<string> = string(
  atMost(255),
  matching(
    /^(?:https:\/\/[A-Za-z0-9.-]+|http:\/\/(?:127\.0\.0\.1|localhost))(?::[0-9]{1,5})?(?:\/[A-Za-z0-9._~/-]*)?$/,
  ),
);

/** Whom a token of a provider stands for */
export type IdentityRule = {
  /** Id of an identity rule of the trust root */
  id: string;
  /** The provider's issuer, as its tokens state it in iss */
  issuer: string;
  provider: "github" | "generic";
  algorithms: ("RS256" | "ES256")[];
  /** Claims that a token must have, each with exactly this text */
  claims: Record<string, string>;
  /** The workflow that runs; null where the provider has none */
  workflow: {
    /** job_workflow_ref up to its @: OWNER/REPOSITORY/.github/workflows/FILE */
    path: string;
    /** job_workflow_ref after its @: a ref, the beginning of one followed by *, or a commit */
    ref: string;
  } | null;
  /** What may have started the run */
  events: ("push" | "release" | "workflow_dispatch" | "schedule" | "repository_dispatch")[];
  /** Longest life of a token, exp - iat */
  maxTokenSeconds: number;
  /** Oldest token that is taken, by its iat */
  maxAgeSeconds: number;
};

export const identityRule = object<IdentityRule>(
  {
    id: ruleId,
    issuer,
    provider: oneOf("github", "generic"),
    algorithms: list(oneOf("RS256", "ES256"), atLeast(1), atMost(2), rule(differ, "algorithms must differ")),
    claims: record(string(matching(/^[a-z_]{1,64}$/)), string(atMost(255), matching(PRINTABLE), atLeast(1))),
    workflow: nullable(
      object({
        path: string(
          atMost(255),
          matching(/^[A-Za-z0-9._-]+\/[A-Za-z0-9._-]+\/\.github\/workflows\/[A-Za-z0-9._-]+$/),
        ),
        ref: string(atMost(255), matching(/^(?:refs\/[A-Za-z0-9._/-]+\*?|[0-9a-f]{40})$/)),
      }),
    ),
    events: list(oneOf("push", "release", "workflow_dispatch", "schedule", "repository_dispatch"), atMost(5)),
    maxTokenSeconds: safeInteger(from(60), upTo(3600)),
    maxAgeSeconds: safeInteger(from(10), upTo(3600)),
  },
  rule(pinsWhatStays, "claims must pin the provider's ids, and none that can be given to somebody else"),
  rule(fitsProvider, "workflow and events are pinned for github, and only there"),
);
