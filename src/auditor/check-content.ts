// Computes again what follows from a statement's own content: digests over its lists, and what its attachment must be.
import { readAs } from "../protocol/encoding/shape.ts";
import type { Attachment } from "../protocol/entry/attachment.ts";
import { attachedShape, kindObject } from "../protocol/entry/kinds.ts";
import { parseCanonical } from "../protocol/envelope/canonical-json.ts";
import type { Statement } from "../protocol/envelope/statement.ts";
import { MalformedError } from "../protocol/errors.ts";
import type { EntryProblem } from "./audit-finding.ts";

/** What is wrong with the statement by itself, such as a list that does not have the digest it states. */
export function checkStatement({ kind, predicate }: Statement): EntryProblem | null {
  return kindObject(kind).recompute(predicate, null);
}

/** What is wrong with an attachment whose bytes have the digest that the statement names. */
export function checkAttachment(
  { kind, predicate }: Statement,
  attachment: Attachment,
  bytes: Uint8Array,
): EntryProblem | null {
  if (bytes.length !== attachment.size) {
    const message = `attachment ${attachment.digest} has ${bytes.length} bytes, the entry says ${attachment.size}`;
    return { code: "attachment-size", message };
  }
  try {
    const content = readAs(attachedShape(kind), parseCanonical(bytes, "attachment"), "attachment");
    return kindObject(kind).recompute(predicate, content);
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
    return { code: "attachment-malformed", message: `attachment ${attachment.digest}: ${error.message}` };
  }
}
