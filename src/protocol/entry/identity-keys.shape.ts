// Reads what identity-keys.schema.ts describes. Generated from it by `npm run generate`; do not edit.
import { list, nullable, object, oneOf, variants } from "../shape/containers.ts";
import { atLeast, atMost, matching, string } from "../shape/scalars.ts";
import { rule, type Shape } from "../shape/shape.ts";
import { name, origin, positive, sha256, time } from "./fields.shape.ts";
import { PRINTABLE } from "./fields.ts";
import { hasDistinctKeyIds, isChained } from "./identity-keys.ts";
import { issuer } from "./identity-rule.shape.ts";

export type ProviderKey =
  | {
      /** Key id, as tokens state it in their header */
      kid: string;
      kty: "RSA";
      alg: "RS256";
      /** Modulus of 2048 to 4096 bits, base64url */
      n: string;
      /** The exponent 65537 */
      e: "AQAB";
    }
  | {
      /** Key id, as tokens state it in their header */
      kid: string;
      kty: "EC";
      alg: "ES256";
      crv: "P-256";
      x: string;
      y: string;
    };

export const providerKey: Shape<ProviderKey> = variants("kty", {
  RSA: object({
    kid: string(atMost(255), matching(PRINTABLE), atLeast(1)),
    kty: oneOf("RSA"),
    alg: oneOf("RS256"),
    n: string(matching(/^[A-Za-z0-9_-]{342,683}$/)),
    e: oneOf("AQAB"),
  }),
  EC: object({
    kid: string(atMost(255), matching(PRINTABLE), atLeast(1)),
    kty: oneOf("EC"),
    alg: oneOf("ES256"),
    crv: oneOf("P-256"),
    x: string(matching(/^[A-Za-z0-9_-]{43}$/)),
    y: string(matching(/^[A-Za-z0-9_-]{43}$/)),
  }),
});

/** Keys of a provider of identities */
export type IdentityKeys = {
  /** What this log calls the provider */
  name: string;
  version: number;
  /** Payload digest of version - 1; null for 1 */
  previous: string | null;
  /** Origin line of the log's checkpoints (C2SP tlog-checkpoint) */
  origin: string;
  /** The provider's issuer, as its tokens state it in iss */
  issuer: string;
  keys: ProviderKey[];
  /** When the provider published them */
  retrievedAt: string;
};

export const identityKeys = object<IdentityKeys>(
  {
    name,
    version: positive,
    previous: nullable(sha256),
    origin,
    issuer,
    keys: list(providerKey, atLeast(1), atMost(32)),
    retrievedAt: time,
  },
  rule(isChained, "previous is null for version 1 and only then"),
  rule(hasDistinctKeyIds, "key ids must differ"),
);
