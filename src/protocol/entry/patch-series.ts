// Defines a series of patches in order of application, as kernels and drivers are made with, and computes its digest.
import { canonicalDigest } from "../envelope/canonical-digest.ts";
import type { Patch, PatchSeries } from "./patch-series.shape.ts";

export type { Patch, PatchSeries } from "./patch-series.shape.ts";

export function isListedOnce({ inline, attachment }: PatchSeries): boolean {
  return (inline === null) !== (attachment === null);
}

export function hasItsCount({ inline, count }: PatchSeries): boolean {
  return inline === null || inline.length === count;
}

/** SHA-256 of the RFC 8785 form of the list of the patches' SHA-256 values, in order; hex. */
export function seriesDigest(patches: readonly Pick<Patch, "sha256">[]): string {
  return canonicalDigest(patches.map(({ sha256 }) => sha256));
}

/** Members of a release kind whose predicate has a patch series as `patches`. */
export const patched = {
  attachments: ({ patches }: { patches: PatchSeries }) => [patches.attachment],
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
