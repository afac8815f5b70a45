// Gives the schema of the kind status (status.ts).
import * as z from "zod";
import { name, positive, sha256, time } from "./fields.schema.ts";
import { revokedIdentity, revokedKey } from "./revocation.schema.ts";
import { isChained, isIndexOfItsTree, isIssuedBeforeItExpires } from "./status.ts";

export const status = z
  .strictObject({
    name: z.literal("status"),
    sequence: positive.describe("Sequence number, from 1"),
    previous: sha256.nullable().describe("Payload digest of sequence - 1; null for 1"),
    treeSize: positive.describe("Every entry below this index is summarised"),
    trustRoot: z.strictObject({ version: positive, digest: sha256 }),
    policies: z
      .array(z.strictObject({ name, version: positive, digest: sha256 }))
      .max(128)
      .describe("Newest version of every policy, by name"),
    identityKeys: z
      .array(z.strictObject({ name, version: positive, digest: sha256 }))
      .max(16)
      .describe("Newest keys of every provider of identities, by name"),
    revokedDigests: z.array(sha256).max(512).describe("Every payload digest revoked below treeSize, sorted"),
    revokedKeys: z.array(revokedKey).max(64).describe("Every key range revoked below treeSize, in order"),
    revokedIdentities: z
      .array(revokedIdentity)
      .max(64)
      .describe("Every range of an identity rule revoked below treeSize, in order"),
    index: z
      .strictObject({ size: positive, root: sha256 })
      .nullable()
      .describe("Index of the entries below treeSize: its size and root; null where the trust root has none"),
    issuedAt: time,
    expires: time,
  })
  .refine(isIssuedBeforeItExpires, { error: "issuedAt must be before expires" })
  .refine(isChained, {
    error: "previous is null for sequence 1 and only then",
  })
  .refine(isIndexOfItsTree, { error: "the size of the index must be treeSize" })
  .describe("Summary of what is in force");
