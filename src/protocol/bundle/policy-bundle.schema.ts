// Gives the schema of the JSON of a policy bundle (policy-bundle.ts).
import * as z from "zod";
import { integer, positive, text } from "../entry/fields.schema.ts";
import { envelopeJson } from "../envelope/dsse.schema.ts";

export const hash = z
  .string()
  .regex(/^[A-Za-z0-9+/]{43}=$/)
  .describe("32-byte hash, base64");
export const proof = z.array(hash).max(63);

export const loggedEntryJson = z
  .strictObject({
    index: integer,
    envelope: envelopeJson,
    proof: proof.describe(
      "Inclusion proof to the bundle's checkpoint, leaf's sibling first (RFC 6962 §2.1.1)",
    ),
  })
  .describe("An entry, its index and its proof");

export const confirmationJson = z
  .strictObject({
    index: integer,
    checkpoint: z.string().max(65_536).describe("A checkpoint over the entry, cosigned soon after it"),
    proof: proof.describe("Inclusion proof of the entry to that checkpoint"),
  })
  .describe("Proof of when an entry with an identity was there at the latest");

export const policyBundleJson = z
  .strictObject({
    format: z.literal("touchstone-policy-bundle/v1"),
    origin: text(255),
    historical: z.boolean().describe("Not the newest policy: never accepted as current"),
    trustRoots: z.array(loggedEntryJson).min(1).max(256).describe("Every trust root, oldest first"),
    status: loggedEntryJson.describe("The newest status"),
    policy: loggedEntryJson,
    entries: z.array(loggedEntryJson).max(512).describe("Every entry that the policy refers to, once"),
    rebuilds: z
      .array(loggedEntryJson)
      .max(256)
      .describe("Rebuilds of them by keys that the policy names; none where it names no keys"),
    identityKeys: z
      .array(loggedEntryJson)
      .max(256)
      .describe("All keys of each provider by whose tokens entries were published, oldest first"),
    confirmations: z
      .array(confirmationJson)
      .max(512)
      .describe("When each entry with an identity was there at the latest"),
    revocations: z.array(loggedEntryJson).max(256).describe("Revocations that concern any of them"),
    checkpoint: z.string().max(65_536).describe("Cosigned checkpoint (C2SP tlog-checkpoint)"),
    consistency: z
      .strictObject({ from: positive, proof })
      .nullable()
      .describe("Consistency proof from an earlier size (RFC 6962 §2.1.2)"),
  })
  .describe("Policy bundle");
