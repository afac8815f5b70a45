// Gives the schema of the trust file (trust-pin.ts).
import * as z from "zod";
import { positive, sha256, text } from "../../protocol/entry/fields.schema.ts";
import { envelopeJson } from "../../protocol/envelope/dsse.schema.ts";

export const trustFile = z.strictObject({
  origin: text(255),
  version: positive,
  digest: sha256,
  envelope: envelopeJson,
});
