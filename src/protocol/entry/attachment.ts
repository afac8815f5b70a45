// Defines how an entry names a list that outgrew it: by the digest of an RFC 8785 JSON document that is stored and served beside the
// log (docs/formats.md, "Entry").

export type { Attachment } from "./attachment.shape.ts";

/** The largest attachment: 16 MiB. */
export const MAX_ATTACHMENT_BYTES = 16 * 1024 * 1024;
