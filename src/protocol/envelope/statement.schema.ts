// Gives the schema of what surrounds the predicate of a statement (statement.ts).
import * as z from "zod";
import { sha256, sha384, text } from "../entry/fields.schema.ts";

/** https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md */
const STATEMENT_TYPE = "https://in-toto.io/Statement/v1";

export const subject = z.strictObject({
  name: text(512),
  digest: z.strictObject({ sha256: sha256, sha384: sha384.optional() }),
});

export const statementFrame = z.strictObject({
  _type: z.literal(STATEMENT_TYPE),
  subject: z.array(subject).min(1).max(256),
  predicateType: z.string(),
  predicate: z.unknown(),
});
