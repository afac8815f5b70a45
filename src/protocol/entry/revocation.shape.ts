// Reads what revocation.schema.ts describes. Generated from it by `npm run generate`; do not edit.
import { list, nullable, object } from "../shape/containers.ts";
import { atLeast, atMost, matching, string } from "../shape/scalars.ts";
import { rule } from "../shape/shape.ts";
import { integer, name, origin, releaseVersion, sha256 } from "./fields.shape.ts";
import { PRINTABLE } from "./fields.ts";
import { ruleId } from "./identity-rule.shape.ts";
import { isRange, namesSomething } from "./revocation.ts";

export type RevokedKey = {
  /** Hex SHA-256 of the key's SPKI DER */
  keyId: string;
  fromIndex: number;
  toIndex: number;
};

export const revokedKey = object<RevokedKey>(
  {
    keyId: sha256,
    fromIndex: integer,
    toIndex: integer,
  },
  rule(isRange, "fromIndex must be below toIndex"),
);

export type RevokedIdentity = {
  /** Id of an identity rule of the trust root */
  rule: string;
  fromIndex: number;
  toIndex: number;
};

export const revokedIdentity = object<RevokedIdentity>(
  {
    rule: ruleId,
    fromIndex: integer,
    toIndex: integer,
  },
  rule(isRange, "fromIndex must be below toIndex"),
);

/** What must not be trusted any more */
export type Revocation = {
  /** Name: segments of a-z, 0-9, '.', '_' and '-', with '/' between them; at most 128 bytes */
  name: string;
  /** Version, as its publisher writes it */
  version: string;
  /** Origin line of the log's checkpoints (C2SP tlog-checkpoint) */
  origin: string;
  /** Payload digests of revoked entries */
  digests: string[];
  /** Stolen keys, and where their signatures do not count */
  keys: RevokedKey[];
  /** Identity rules, and where what was published by them does not count */
  identities: RevokedIdentity[];
  reason: string;
  /** Such as CVE-2026-12345 */
  advisory: string | null;
};

export const revocation = object<Revocation>(
  {
    name,
    version: releaseVersion,
    origin,
    digests: list(sha256, atMost(128)),
    keys: list(revokedKey, atMost(32)),
    identities: list(revokedIdentity, atMost(32)),
    reason: string(atMost(1024), matching(PRINTABLE), atLeast(1)),
    advisory: nullable(string(atMost(128), matching(PRINTABLE), atLeast(1))),
  },
  rule(namesSomething, "names nothing to revoke"),
);
