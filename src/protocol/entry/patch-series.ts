// Defines a series of patches in order of application, as kernels and drivers are made with, and computes its digest.
import * as z from "zod";
import { canonicalDigest } from "../envelope/canonical-digest.ts";
import { attachment } from "./attachment.ts";
import { fileName, integer, namedCommit, sha256, text } from "./fields.ts";

/** One patch of a series. */
export const patch = z.strictObject({
  fileName,
  sha256,
  subject: text(512),
  authorDate: text(64).nullable().describe("Author date as the patch gives it"),
  patchId: z
    .string()
    .regex(/^[0-9a-f]{40}$/)
    .nullable()
    .describe("git patch-id --stable"),
  origin: z.enum(["upstream", "backport", "vendor", "local", "unknown"]),
  upstreamCommit: namedCommit.nullable(),
  purpose: text(512).nullable().describe("Why the patch is carried, such as badaml-acpi"),
});
export type Patch = z.infer<typeof patch>;

/** An ordered series: listed here while it fits, attached as the JSON array of the same objects when it does not. */
export const patchSeries = z
  .strictObject({
    count: integer,
    seriesDigest: sha256.describe(
      "SHA-256 of the RFC 8785 form of the array of the patches' SHA-256 values, in order",
    ),
    inline: z.array(patch).max(200).nullable(),
    attachment: attachment.nullable(),
  })
  .refine((series) => (series.inline === null) !== (series.attachment === null), {
    error: "exactly one of inline and attachment must be given",
  })
  .refine((series) => series.inline === null || series.inline.length === series.count, {
    error: "count differs from the number of patches",
  });
export type PatchSeries = z.infer<typeof patchSeries>;

/** SHA-256 of the RFC 8785 form of the list of the patches' SHA-256 values, in order; hex. */
export function seriesDigest(patches: readonly Pick<Patch, "sha256">[]): string {
  return canonicalDigest(patches.map(({ sha256 }) => sha256));
}

/** Members of a release kind whose predicate has a patch series as `patches`. */
export const patched = {
  attachment: {
    of: ({ patches }: { patches: PatchSeries }) => [patches.attachment],
    content: z.array(patch),
  },
  recompute: {
    "patch-series-differs": (
      { patches: { count, seriesDigest: stated, inline } }: { patches: PatchSeries },
      attached: readonly Patch[] | null,
    ) => {
      const list = attached ?? inline;
      if (list === null || (count === list.length && stated === seriesDigest(list))) return null;
      return "count or seriesDigest are not those of the list of patches";
    },
  },
};
