// What a statement says that can be computed again: digests over its own lists, and the attachments that it names.
import * as z from "zod";
import { readAs } from "../protocol/encoding/shape.ts";
import { decodeUtf8 } from "../protocol/encoding/text.ts";
import { expectedEvent } from "../protocol/entry/os-image.ts";
import { type Attachment, type Patch, type PatchSeries, patch } from "../protocol/entry/release.ts";
import { canonicalize } from "../protocol/envelope/canonical-json.ts";
import type { Statement } from "../protocol/envelope/statement.ts";
import { MalformedError } from "../protocol/errors.ts";
import { seriesDigest } from "../publisher/describe/patches/patch-list.ts";
import { goldenTableDigest } from "../verifier/nvidia/compare-golden-tables.ts";
import type { EntryProblem } from "./audit-finding.ts";

/** What is wrong with the statement by itself: a series or golden table that does not have the digest it states. */
export function checkStatement(statement: Statement): EntryProblem | null {
  if (
    statement.kind === "gpu-rim" &&
    goldenTableDigest(statement.predicate.table) !== statement.predicate.tableDigest
  ) {
    return { code: "rim-table-differs", message: "tableDigest is not the digest of the golden table" };
  }
  const inline = seriesOf(statement)?.inline ?? null;
  return inline === null ? null : checkSeries(statement, inline);
}

/** What is wrong with an attachment whose bytes have the digest that the statement names. */
export function checkAttachment(
  statement: Statement,
  attachment: Attachment,
  bytes: Uint8Array,
): EntryProblem | null {
  if (bytes.length !== attachment.size) {
    const message = `attachment ${attachment.digest} has ${bytes.length} bytes, the entry says ${attachment.size}`;
    return { code: "attachment-size", message };
  }
  const schema = statement.kind === "os-image" ? z.array(expectedEvent) : z.array(patch);
  try {
    const list = parseCanonical(bytes);
    readAs<unknown>(schema, list, "attachment");
    return statement.kind === "os-image" ? null : checkSeries(statement, list as Patch[]);
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
    return { code: "attachment-malformed", message: `attachment ${attachment.digest}: ${error.message}` };
  }
}

function seriesOf(statement: Statement): PatchSeries | undefined {
  const patched = statement.kind === "kernel-patch-set" || statement.kind === "driver-build";
  return patched ? statement.predicate.patches : undefined;
}

function checkSeries(statement: Statement, patches: readonly Patch[]): EntryProblem | null {
  const series = seriesOf(statement);
  if (series?.count === patches.length && series.seriesDigest === seriesDigest(patches)) return null;
  return {
    code: "patch-series-differs",
    message: "count or seriesDigest are not those of the list of patches",
  };
}

/** Attachments are RFC 8785 JSON: whatever else their text could hold makes the two texts differ. */
function parseCanonical(bytes: Uint8Array): unknown {
  const text = decodeUtf8(bytes);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new MalformedError("attachment", "not JSON");
  }
  if (canonicalize(value) !== text) throw new MalformedError("attachment", "not in RFC 8785 canonical form");
  return value;
}
