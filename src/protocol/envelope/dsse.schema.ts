// Gives the schema of the JSON of an envelope (dsse.ts).
import * as z from "zod";
import { keyId } from "../entry/fields.schema.ts";
import { MAX_LEAF_BYTES, MAX_SIGNATURES, PAYLOAD_TYPE } from "./dsse-format.ts";

/** The envelope's JSON, as it travels over HTTP and inside bundles. */
export const envelopeJson = z.strictObject({
  payload: z.string().max(MAX_LEAF_BYTES),
  payloadType: z.literal(PAYLOAD_TYPE),
  signatures: z
    .array(z.strictObject({ keyid: keyId, sig: z.string().max(128) }))
    .min(1)
    .max(MAX_SIGNATURES),
});
