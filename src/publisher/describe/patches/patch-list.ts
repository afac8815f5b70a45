// Writes a series as an entry states it: one row a patch, the digest of the series, and an attachment when the rows are many.
import { createHash } from "node:crypto";
import { type Patch, type PatchSeries, seriesDigest } from "../../../protocol/entry/patch-series.ts";
import { MalformedError } from "../../../protocol/errors.ts";
import { type AttachedDocument, attachDocument } from "../described.ts";
import { readPatchHeader } from "./patch-header.ts";
import { stablePatchIds } from "./patch-id.ts";
import type { PatchNotes } from "./patch-notes.ts";
import type { SeriesPatch } from "./patch-series.ts";

/** Rows beyond this many bytes are attached: an entry holds 65,535 bytes of base64, and has more to say than its patches. */
const MAX_INLINE = 16 * 1024;
const MAX_INLINE_PATCHES = 200;

export interface DescribedSeries {
  readonly series: PatchSeries;
  readonly attachments: readonly AttachedDocument[];
}

/**
 * Describes patches in order. Patch ids are git's, and null where git is not installed.
 * @throws MalformedError when the notes name a patch that the series has not.
 */
export async function describePatches(
  patches: readonly SeriesPatch[],
  notes: PatchNotes,
): Promise<DescribedSeries> {
  const known = new Set(patches.map(({ fileName }) => fileName));
  const stray = [...notes.keys()].find((fileName) => !known.has(fileName));
  if (stray !== undefined) throw new MalformedError("patch notes", `${stray} is not in the series`);
  const ids = await stablePatchIds(patches);
  const rows = patches.map((patch, i) => describePatch(patch, i, ids?.[i] ?? null, notes));
  return formSeries(rows);
}

function describePatch(
  { fileName, bytes }: SeriesPatch,
  index: number,
  patchId: string | null,
  notes: PatchNotes,
): Patch {
  const note = notes.get(fileName);
  const sha256 = hashHex(bytes);
  if (note?.embargoed) return embargoed(index, sha256, note.purpose);
  const header = readPatchHeader(bytes, fileName);
  const origin = note?.origin ?? header.origin;
  return { fileName, sha256, ...header, origin, patchId, purpose: note?.purpose ?? null };
}

/** Name, subject, date and ids would each give the patch away before its time. */
function embargoed(index: number, sha256: string, purpose: string): Patch {
  return {
    fileName: `embargoed-${String(index + 1).padStart(4, "0")}.patch`,
    sha256,
    subject: "under embargo",
    authorDate: null,
    patchId: null,
    origin: "unknown",
    upstreamCommit: null,
    purpose,
  };
}

function formSeries(rows: Patch[]): DescribedSeries {
  const common = { count: rows.length, seriesDigest: seriesDigest(rows) };
  const document = attachDocument(rows);
  if (rows.length <= MAX_INLINE_PATCHES && document.bytes.length <= MAX_INLINE)
    return { series: { ...common, inline: rows, attachment: null }, attachments: [] };
  return { series: { ...common, inline: null, attachment: document.reference }, attachments: [document] };
}

function hashHex(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
