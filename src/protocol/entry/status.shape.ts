// Reads what status.schema.ts describes. Generated from it by `npm run generate`; do not edit.
import { list, nullable, object, oneOf } from "../shape/containers.ts";
import { atMost } from "../shape/scalars.ts";
import { rule } from "../shape/shape.ts";
import { name, positive, sha256, time } from "./fields.shape.ts";
import { type RevokedIdentity, type RevokedKey, revokedIdentity, revokedKey } from "./revocation.shape.ts";
import { isChained, isIndexOfItsTree, isIssuedBeforeItExpires } from "./status.ts";

/** Summary of what is in force */
export type Status = {
  name: "status";
  /** Sequence number, from 1 */
  sequence: number;
  /** Payload digest of sequence - 1; null for 1 */
  previous: string | null;
  /** Every entry below this index is summarised */
  treeSize: number;
  trustRoot: {
    version: number;
    /** SHA-256, lower-case hex */
    digest: string;
  };
  /** Newest version of every policy, by name */
  policies: {
    /** Name: segments of a-z, 0-9, '.', '_' and '-', with '/' between them; at most 128 bytes */
    name: string;
    version: number;
    /** SHA-256, lower-case hex */
    digest: string;
  }[];
  /** Newest keys of every provider of identities, by name */
  identityKeys: {
    /** Name: segments of a-z, 0-9, '.', '_' and '-', with '/' between them; at most 128 bytes */
    name: string;
    version: number;
    /** SHA-256, lower-case hex */
    digest: string;
  }[];
  /** Every payload digest revoked below treeSize, sorted */
  revokedDigests: string[];
  /** Every key range revoked below treeSize, in order */
  revokedKeys: RevokedKey[];
  /** Every range of an identity rule revoked below treeSize, in order */
  revokedIdentities: RevokedIdentity[];
  /** Index of the entries below treeSize: its size and root; null where the trust root has none */
  index: {
    size: number;
    /** SHA-256, lower-case hex */
    root: string;
  } | null;
  /** RFC 3339, UTC, seconds */
  issuedAt: string;
  /** RFC 3339, UTC, seconds */
  expires: string;
};

export const status = object<Status>(
  {
    name: oneOf("status"),
    sequence: positive,
    previous: nullable(sha256),
    treeSize: positive,
    trustRoot: object({
      version: positive,
      digest: sha256,
    }),
    policies: list(
      object({
        name,
        version: positive,
        digest: sha256,
      }),
      atMost(128),
    ),
    identityKeys: list(
      object({
        name,
        version: positive,
        digest: sha256,
      }),
      atMost(16),
    ),
    revokedDigests: list(sha256, atMost(512)),
    revokedKeys: list(revokedKey, atMost(64)),
    revokedIdentities: list(revokedIdentity, atMost(64)),
    index: nullable(
      object({
        size: positive,
        root: sha256,
      }),
    ),
    issuedAt: time,
    expires: time,
  },
  rule(isIssuedBeforeItExpires, "issuedAt must be before expires"),
  rule(isChained, "previous is null for sequence 1 and only then"),
  rule(isIndexOfItsTree, "the size of the index must be treeSize"),
);
