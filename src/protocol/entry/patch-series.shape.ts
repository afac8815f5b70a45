// Reads what patch-series.schema.ts describes. Generated from it by `npm run generate`; do not edit.
import { list, nullable, object, oneOf } from "../shape/containers.ts";
import { atLeast, atMost, matching, string } from "../shape/scalars.ts";
import { rule, type Shape } from "../shape/shape.ts";
import { type Attachment, attachment } from "./attachment.shape.ts";
import { fileName, integer, namedCommit, sha256 } from "./fields.shape.ts";
import { PRINTABLE } from "./fields.ts";
import { hasItsCount, isListedOnce } from "./patch-series.ts";

export type PatchOrigin = "upstream" | "backport" | "vendor" | "local" | "unknown";

export const patchOrigin: Shape<PatchOrigin> = oneOf("upstream", "backport", "vendor", "local", "unknown");

export const patchPurpose: Shape<string> = string(atMost(512), matching(PRINTABLE), atLeast(1));

export type Patch = {
  /** Relative file name */
  fileName: string;
  /** SHA-256, lower-case hex */
  sha256: string;
  subject: string;
  /** Author date as the patch gives it */
  authorDate: string | null;
  /** git patch-id --stable */
  patchId: string | null;
  origin: PatchOrigin;
  upstreamCommit: string | null;
  /** Why the patch is carried, such as badaml-acpi */
  purpose: string | null;
};

export const patch = object<Patch>({
  fileName,
  sha256,
  subject: string(atMost(512), matching(PRINTABLE), atLeast(1)),
  authorDate: nullable(string(atMost(64), matching(PRINTABLE), atLeast(1))),
  patchId: nullable(string(matching(/^[0-9a-f]{40}$/))),
  origin: patchOrigin,
  upstreamCommit: nullable(namedCommit),
  purpose: nullable(patchPurpose),
});

export type PatchSeries = {
  count: number;
  /** SHA-256 of the RFC 8785 form of the array of the patches' SHA-256 values, in order */
  seriesDigest: string;
  inline: Patch[] | null;
  attachment: Attachment | null;
};

export const patchSeries = object<PatchSeries>(
  {
    count: integer,
    seriesDigest: sha256,
    inline: nullable(list(patch, atMost(200))),
    attachment: nullable(attachment),
  },
  rule(isListedOnce, "exactly one of inline and attachment must be given"),
  rule(hasItsCount, "count differs from the number of patches"),
);

export type Patches = Patch[];

export const patches: Shape<Patches> = list(patch);
