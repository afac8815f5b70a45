// Gives the schema of an identity rule (identity-rule.ts), and of what other formats have in common with it.
import * as z from "zod";
import { text } from "./fields.schema.ts";
import { differ } from "./fields.ts";
import { EVENTS, fitsProvider, PROVIDERS, pinsWhatStays, TOKEN_ALGORITHMS } from "./identity-rule.ts";

export const ruleId = z
  .string()
  .regex(/^[a-z0-9][a-z0-9._-]{0,63}$/)
  .describe("Id of an identity rule of the trust root");

/** Plain HTTP is for a provider of a test, on the same machine. */
export const issuer = z
  .string()
  .max(255)
  .regex(
    /^(?:https:\/\/[A-Za-z0-9.-]+|http:\/\/(?:127\.0\.0\.1|localhost))(?::[0-9]{1,5})?(?:\/[A-Za-z0-9._~/-]*)?$/,
  )
  .describe("The provider's issuer, as its tokens state it in iss");

const workflow = z.strictObject({
  path: z
    .string()
    .max(255)
    .regex(/^[A-Za-z0-9._-]+\/[A-Za-z0-9._-]+\/\.github\/workflows\/[A-Za-z0-9._-]+$/)
    .describe("job_workflow_ref up to its @: OWNER/REPOSITORY/.github/workflows/FILE"),
  ref: z
    .string()
    .max(255)
    .regex(/^(?:refs\/[A-Za-z0-9._/-]+\*?|[0-9a-f]{40})$/)
    .describe("job_workflow_ref after its @: a ref, the beginning of one followed by *, or a commit"),
});

export const identityRule = z
  .strictObject({
    id: ruleId,
    issuer,
    provider: z.enum(PROVIDERS),
    algorithms: z
      .array(z.enum(TOKEN_ALGORITHMS))
      .min(1)
      .max(TOKEN_ALGORITHMS.length)
      .refine(differ, { error: "algorithms must differ" }),
    claims: z
      .record(z.string().regex(/^[a-z_]{1,64}$/), text(255))
      .describe("Claims that a token must have, each with exactly this text"),
    workflow: workflow.nullable().describe("The workflow that runs; null where the provider has none"),
    events: z.array(z.enum(EVENTS)).max(EVENTS.length).describe("What may have started the run"),
    maxTokenSeconds: z.int().min(60).max(3600).describe("Longest life of a token, exp - iat"),
    maxAgeSeconds: z.int().min(10).max(3600).describe("Oldest token that is taken, by its iat"),
  })
  .refine(pinsWhatStays, {
    error: "claims must pin the provider's ids, and none that can be given to somebody else",
  })
  .refine(fitsProvider, { error: "workflow and events are pinned for github, and only there" })
  .describe("Whom a token of a provider stands for");
