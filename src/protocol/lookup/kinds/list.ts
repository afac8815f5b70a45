// Lists the kinds that state measurements: part of the map function of docs/formats.md ("Index"). What a kind states may not change once a
// log has entries of it.
import type { Kind, Predicate } from "../../entry/kinds.ts";
import type { MeasuredBy } from "../measured-by.ts";
import { byDriverBuild } from "./driver-build.ts";
import { byGpuRim } from "./gpu-rim.ts";
import { byOsImage } from "./os-image.ts";
import { byPlatform } from "./platform.ts";
import { byPolicy } from "./policy.ts";
import { bySwitchRim } from "./switch-rim.ts";

const MEASURED = [byPlatform, byOsImage, byDriverBuild, byGpuRim, bySwitchRim, byPolicy] as const;

const BY_KIND = new Map<string, MeasuredBy>(MEASURED.map((one) => [one.kind, one as unknown as MeasuredBy]));

/** Every measurement that an entry of this kind states, as `<part>/<value>`; one may be there twice. */
export function measurementsIn<K extends Kind>(kind: K, predicate: Predicate<K>): string[] {
  return BY_KIND.get(kind)?.measurementsIn(predicate) ?? [];
}
