// Defines how an entry names a list that outgrew it: by the digest of an RFC 8785 JSON document that is stored and served beside the
// log (docs/formats.md, "Entry").
import * as z from "zod";
import { sha256 } from "./fields.ts";

/** The largest attachment: 16 MiB. */
export const MAX_ATTACHMENT_BYTES = 16 * 1024 * 1024;

/** A document of 1 byte to 16 MiB, served at /v1/attachments/sha256/<hex>. */
export const attachment = z.strictObject({
  digest: sha256.describe("SHA-256 of the attachment's bytes"),
  size: z.int().min(1).max(MAX_ATTACHMENT_BYTES).describe("Length in bytes"),
  mediaType: z.literal("application/json"),
});
export type Attachment = z.infer<typeof attachment>;
