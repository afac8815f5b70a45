// Gives the schema of the kind identity-keys (identity-keys.ts).
import * as z from "zod";
import { name, origin, positive, sha256, text, time } from "./fields.schema.ts";
import { hasDistinctKeyIds, isChained } from "./identity-keys.ts";
import { issuer } from "./identity-rule.schema.ts";

const kid = text(255).describe("Key id, as tokens state it in their header");
const coordinate = z.string().regex(/^[A-Za-z0-9_-]{43}$/);

/** A JSON Web Key (RFC 7517), its public members and no other. */
export const providerKey = z.discriminatedUnion("kty", [
  z.strictObject({
    kid,
    kty: z.literal("RSA"),
    alg: z.literal("RS256"),
    n: z
      .string()
      .regex(/^[A-Za-z0-9_-]{342,683}$/)
      .describe("Modulus of 2048 to 4096 bits, base64url"),
    e: z.literal("AQAB").describe("The exponent 65537"),
  }),
  z.strictObject({
    kid,
    kty: z.literal("EC"),
    alg: z.literal("ES256"),
    crv: z.literal("P-256"),
    x: coordinate,
    y: coordinate,
  }),
]);

export const identityKeys = z
  .strictObject({
    name: name.describe("What this log calls the provider"),
    version: positive,
    previous: sha256.nullable().describe("Payload digest of version - 1; null for 1"),
    origin,
    issuer,
    keys: z.array(providerKey).min(1).max(32),
    retrievedAt: time.describe("When the provider published them"),
  })
  .refine(isChained, { error: "previous is null for version 1 and only then" })
  .refine(hasDistinctKeyIds, { error: "key ids must differ" })
  .describe("Keys of a provider of identities");
