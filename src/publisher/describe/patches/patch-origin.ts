// Defines the two places that patches come from: a quilt series and a git range.
import { readGitRange } from "./git-range.ts";
import { readSeries, type SeriesPatch } from "./patch-series.ts";

/** Where patches come from: a quilt directory, or the commits after `base` up to `tip`. */
export type PatchOrigin =
  | { readonly directory: string; readonly seriesFile?: string }
  | { readonly repository: string; readonly base: string; readonly tip: string };

/** Patches in order, and the commit that they are applied to where git knows it. */
export async function readPatches(
  origin: PatchOrigin,
): Promise<{ patches: readonly SeriesPatch[]; commit: string | null }> {
  if ("directory" in origin)
    return { patches: await readSeries(origin.directory, origin.seriesFile), commit: null };
  const range = await readGitRange(origin.repository, origin.base, origin.tip);
  return { patches: range.patches, commit: range.base };
}
