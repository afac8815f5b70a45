// Gives the schema of the JSON of what a log answers to a lookup (lookup-answer.ts).
import * as z from "zod";
import { hash, loggedEntryJson, proof } from "../bundle/policy-bundle.schema.ts";
import { integer, origin, positive, sha256, text } from "../entry/fields.schema.ts";
import { MAX_INDICES, TERM_TYPES } from "./lookup-format.ts";

export const lookupAnswerJson = z
  .strictObject({
    format: z.literal("touchstone-lookup/v1"),
    origin,
    type: z.enum(TERM_TYPES),
    value: text(160),
    indices: z
      .array(integer)
      .max(MAX_INDICES)
      .describe("The entries that the term finds, ascending; of more than 1,000, the newest"),
    before: hash
      .nullable()
      .describe("Value hash of the entries before these; null where these are all, or none is"),
    proof: z.strictObject({
      siblings: z.array(hash).max(256).describe("Beside the path of the term's key, the deepest first"),
      other: z
        .strictObject({ key: sha256, valueHash: hash })
        .nullable()
        .describe("Of a term that finds nothing: the other key at which its path ends; null: at nothing"),
    }),
    trustRoots: z.array(loggedEntryJson).min(1).max(256).describe("Every trust root, oldest first"),
    status: loggedEntryJson.describe("The newest status, whose index this is"),
    checkpoint: z.string().max(65_536).describe("Cosigned checkpoint (C2SP tlog-checkpoint)"),
    consistency: z
      .strictObject({ from: positive, proof })
      .nullable()
      .describe("Consistency proof from an earlier size (RFC 6962 §2.1.2)"),
  })
  .describe("Answer to a lookup");
