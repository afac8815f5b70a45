// Gives the schema of the kind revocation (revocation.ts).
import * as z from "zod";
import { integer, keyId, name, origin, releaseVersion, sha256, text } from "./fields.schema.ts";
import { ruleId } from "./identity-rule.schema.ts";
import { isRange, namesSomething } from "./revocation.ts";

/** Everything that a stolen key signed at indices fromIndex ≤ i < toIndex. */
export const revokedKey = z
  .strictObject({ keyId, fromIndex: integer, toIndex: integer })
  .refine(isRange, { error: "fromIndex must be below toIndex" });

/** Everything that was published by an identity rule at such indices. */
export const revokedIdentity = z
  .strictObject({ rule: ruleId, fromIndex: integer, toIndex: integer })
  .refine(isRange, { error: "fromIndex must be below toIndex" });

export const revocation = z
  .strictObject({
    name,
    version: releaseVersion,
    origin,
    digests: z.array(sha256).max(128).describe("Payload digests of revoked entries"),
    keys: z.array(revokedKey).max(32).describe("Stolen keys, and where their signatures do not count"),
    identities: z
      .array(revokedIdentity)
      .max(32)
      .describe("Identity rules, and where what was published by them does not count"),
    reason: text(1024),
    advisory: text(128).nullable().describe("Such as CVE-2026-12345"),
  })
  .refine(namesSomething, { error: "names nothing to revoke" })
  .describe("What must not be trusted any more");
