// Gives the schema of the JSON of an envelope (dsse.ts).
import * as z from "zod";
import { keyId, spki, time } from "../entry/fields.schema.ts";
import { ruleId } from "../entry/identity-rule.schema.ts";
import { MAX_LEAF_BYTES, MAX_SIGNATURES, MAX_TOKEN_BYTES, PAYLOAD_TYPE } from "./dsse-format.ts";

export const signatureIdentity = z
  .strictObject({
    jwt: z
      .string()
      .max(MAX_TOKEN_BYTES)
      .regex(/^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*$/)
      .describe("The provider's token, JWS compact serialization (RFC 7515)"),
    rule: ruleId,
    spki: spki.describe("The key that signed, which exists for this one signature; base64"),
  })
  .describe("Whose signature it is where the key stands in no trust root");

/** The envelope's JSON, as it travels over HTTP and inside bundles. */
export const envelopeJson = z.strictObject({
  payload: z.string().max(MAX_LEAF_BYTES),
  payloadType: z.literal(PAYLOAD_TYPE),
  recordedAt: time.optional().describe("When the log took an entry with an identity; only there"),
  signatures: z
    .array(z.strictObject({ identity: signatureIdentity.optional(), keyid: keyId, sig: z.string().max(128) }))
    .min(1)
    .max(MAX_SIGNATURES),
});
