// Gives the schema of a reference to an attachment (attachment.ts).
import * as z from "zod";
import { MAX_ATTACHMENT_BYTES } from "./attachment.ts";
import { sha256 } from "./fields.schema.ts";

/** A document of 1 byte to 16 MiB, served at /v1/attachments/sha256/<hex>. */
export const attachment = z.strictObject({
  digest: sha256.describe("SHA-256 of the attachment's bytes"),
  size: z.int().min(1).max(MAX_ATTACHMENT_BYTES).describe("Length in bytes"),
  mediaType: z.literal("application/json"),
});
