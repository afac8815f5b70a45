// Selects the release set of a profile: image, firmware, tables and platforms as chosen, kernel and driver as the image's own entry says.
import type { ReleaseKind } from "../../protocol/entry/release-kinds.ts";
import { MEMBER_KINDS, type ReferenceTo, type Released, type ReleaseSet } from "./release-set.ts";

/** What the policy owner chooses, in the form that the source of the releases reads. */
export interface ChosenReleases {
  readonly osImage: string;
  readonly gspFirmware: string;
  readonly gpuRims: readonly string[];
  /** Tables of NVSwitches; none where the GPUs are not linked by any. */
  readonly switchRims: readonly string[];
  readonly platforms: readonly string[];
}

/** Where releases come from: a log, or a release that is being prepared. */
export interface ReleaseSource {
  /** @param at member of the choice, with its place in a list: "osImage", "gpuRims.0". @throws MalformedError */
  find<K extends ReleaseKind>(chosen: string, kind: K, at: string): Promise<Released<K>>;
  /** The release that an entry refers to, by digest. @throws MalformedError */
  follow<K extends ReleaseKind>(reference: ReferenceTo<K>): Promise<Released<K>>;
}

/** @throws MalformedError naming the first release that the source does not have. */
export async function selectRelease(chosen: ChosenReleases, source: ReleaseSource): Promise<ReleaseSet> {
  const osImage = await source.find(chosen.osImage, MEMBER_KINDS.osImage, "osImage");
  const { kernelPatchSet, driverBuild } = osImage.statement.predicate;
  return {
    osImage,
    kernelPatchSet: await source.follow(kernelPatchSet),
    driverBuild: await source.follow(driverBuild),
    gspFirmware: await source.find(chosen.gspFirmware, MEMBER_KINDS.gspFirmware, "gspFirmware"),
    gpuRims: await findAll(source, chosen.gpuRims, "gpuRims"),
    switchRims: await findAll(source, chosen.switchRims, "switchRims"),
    platforms: await findAll(source, chosen.platforms, "platforms"),
  };
}

async function findAll<M extends "gpuRims" | "switchRims" | "platforms">(
  source: ReleaseSource,
  chosen: readonly string[],
  member: M,
): Promise<Released<(typeof MEMBER_KINDS)[M]>[]> {
  const found: Released<(typeof MEMBER_KINDS)[M]>[] = [];
  for (const [i, one] of chosen.entries())
    found.push(await source.find(one, MEMBER_KINDS[member], `${member}.${i}`));
  return found;
}
