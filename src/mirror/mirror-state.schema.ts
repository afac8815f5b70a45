// Gives the schema of what a mirror remembers (mirror-state.ts).
import * as z from "zod";
import { positive, sha256, text } from "../protocol/entry/fields.schema.ts";
import { envelopeJson } from "../protocol/envelope/dsse.schema.ts";

export const mirrorState = z.strictObject({
  format: z.literal("touchstone-mirror/v1"),
  pin: z.strictObject({ origin: text(255), version: positive, digest: sha256 }),
  trustRoot: envelopeJson,
  missing: z.array(sha256),
});
