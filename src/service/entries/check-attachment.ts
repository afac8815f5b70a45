// Checks attachments that are uploaded: they must be what auditors and mirrors can read again.
import { MAX_ATTACHMENT_BYTES } from "../../protocol/entry/attachment.ts";
import { parseCanonical } from "../../protocol/envelope/canonical-json.ts";
import { RequestProblem } from "../problem.ts";

/**
 * An attachment must be canonical JSON of 1 byte to 16 MiB.
 * @throws RequestProblem "too-large"; MalformedError "attachment".
 */
export function requireAttachment(bytes: Uint8Array): void {
  if (bytes.length > MAX_ATTACHMENT_BYTES)
    throw new RequestProblem("too-large", "an attachment has at most 16 MiB");
  parseCanonical(bytes, "attachment");
}
