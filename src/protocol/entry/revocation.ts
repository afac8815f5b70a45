// Defines the kind revocation: what must not be trusted any more, whatever the age of a policy. It is irreversible.
import * as z from "zod";
import { integer, keyId, name, origin, releaseVersion, sha256, text } from "./fields.ts";

/** Everything that a stolen key signed at indices fromIndex ≤ i < toIndex. */
export const revokedKey = z
  .strictObject({ keyId, fromIndex: integer, toIndex: integer })
  .refine((range) => range.fromIndex < range.toIndex, { error: "fromIndex must be below toIndex" });
export type RevokedKey = z.infer<typeof revokedKey>;

export const revocation = z
  .strictObject({
    name,
    version: releaseVersion,
    origin,
    digests: z.array(sha256).max(128).describe("Payload digests of revoked entries"),
    keys: z.array(revokedKey).max(32).describe("Stolen keys, and where their signatures do not count"),
    reason: text(1024),
    advisory: text(128).nullable().describe("Such as CVE-2026-12345"),
  })
  .refine((r) => r.digests.length + r.keys.length > 0, { error: "names nothing to revoke" })
  .describe("What must not be trusted any more");
