// Attachments: lists that outgrew their entry, as RFC 8785 JSON documents (design: attachments).
import { decodeUtf8 } from "../../protocol/encoding/text.ts";
import { canonicalize } from "../../protocol/envelope/canonical-json.ts";
import { MalformedError } from "../../protocol/errors.ts";
import { RequestProblem } from "../problem.ts";

export const MAX_ATTACHMENT_BYTES = 16 * 1024 * 1024;

/**
 * An attachment must be what auditors and mirrors can read again: canonical JSON of 1 byte to 16 MiB.
 * @throws RequestProblem "too-large"; MalformedError "attachment".
 */
export function requireAttachment(bytes: Uint8Array): void {
  if (bytes.length > MAX_ATTACHMENT_BYTES)
    throw new RequestProblem("too-large", "an attachment has at most 16 MiB");
  const text = decodeUtf8(bytes);
  if (canonicalize(parse(text)) !== text)
    throw new MalformedError("attachment", "not in RFC 8785 canonical form", "");
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new MalformedError("attachment", "not JSON", "");
  }
}
