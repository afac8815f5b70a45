// Defines what every describe gives: the statement's bytes, ready to be signed, and the documents that it names by digest.
import { createHash } from "node:crypto";
import { utf8 } from "../../protocol/encoding/text.ts";
import { type Attachment, MAX_ATTACHMENT_BYTES } from "../../protocol/entry/attachment.ts";
import { canonicalize } from "../../protocol/envelope/canonical-json.ts";
import { MalformedError } from "../../protocol/errors.ts";

export interface Described {
  /** The statement's RFC 8785 form. */
  readonly payload: Uint8Array;
  readonly attachments: readonly AttachedDocument[];
}

/** A document that an entry names by digest, with the bytes to publish beside it. */
export interface AttachedDocument {
  readonly reference: Attachment;
  readonly bytes: Uint8Array;
}

/** Name of the file that an attachment is in, beside the statement that names it. */
export function attachmentFileName(sha256: string): string {
  return `sha256-${sha256}.json`;
}

/** A list that outgrew its entry, as a document in RFC 8785 form. @throws MalformedError over 16 MiB. */
export function attachDocument(list: readonly unknown[]): AttachedDocument {
  const bytes = utf8(canonicalize(list));
  if (bytes.length > MAX_ATTACHMENT_BYTES)
    throw new MalformedError(
      "attachment",
      `${bytes.length} bytes, at most ${MAX_ATTACHMENT_BYTES} can be published`,
    );
  const digest = createHash("sha256").update(bytes).digest("hex");
  return { reference: { digest, size: bytes.length, mediaType: "application/json" }, bytes };
}
