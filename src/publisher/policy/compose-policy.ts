// Composes a policy of one release set: what the entries state is read from them, what they cannot state comes from the requirements.
import {
  type GpuRequirements,
  type Policy,
  type Profile,
  TD_ATTRIBUTE_RULES,
} from "../../protocol/entry/policy.ts";
import { PROFILE_KINDS, type ReleaseKind } from "../../protocol/entry/release-kinds.ts";
import { MalformedError } from "../../protocol/errors.ts";
import type { PolicyContent } from "./draft-policy.ts";
import type { ReleaseSet } from "./release-set.ts";
import { requireFitting } from "./require-fitting.ts";
import type { Requirements } from "./requirements.ts";

type GivenFloors = { readonly [K in ReleaseKind]?: number | undefined };

/**
 * A policy of one profile.
 * @param id of the profile; @param svnFloor floors to put in place of those of the release set.
 * @throws PolicyError "release-set" when the releases do not fit together; MalformedError with the JSON pointer of the requirement that is not given and that no entry states.
 */
export function composePolicy(
  id: string,
  releases: ReleaseSet,
  { bootPath, tdx, gpu, binding, rebuilds }: Requirements,
  svnFloor: GivenFloors = {},
): PolicyContent {
  requireFitting(releases);
  const profile = {
    id,
    ...referencesTo(releases),
    bootPath: bootPath ?? onlyBootPath(releases),
    tdx: { ...tdx, requiredAttributes: tdx.requiredAttributes ?? [...TD_ATTRIBUTE_RULES] },
    gpu: completeGpu(gpu, releases),
    binding,
  };
  return { svnFloor: floorsOf(releases, svnFloor), rebuilds: rebuilds ?? null, profiles: [profile] };
}

/** The one way of starting the image that it states measurements of. */
function onlyBootPath({ osImage }: ReleaseSet): Profile["bootPath"] {
  const paths = osImage.statement.predicate.measurements.map((row) => row.bootPath);
  return one("/bootPath", paths, "the image is measured for several");
}

function referencesTo(releases: ReleaseSet): Pick<Profile, keyof ReleaseSet> {
  const members = Object.entries(releases).map(([member, released]) => [
    member,
    "reference" in released ? released.reference : released.map(({ reference }) => reference),
  ]);
  return Object.fromEntries(members) as Pick<Profile, keyof ReleaseSet>;
}

function completeGpu(gpu: Requirements["gpu"], releases: ReleaseSet): GpuRequirements {
  const { driverBuild, gspFirmware, gpuRims, platforms } = releases;
  const vbios = gpuRims.filter(({ statement }) => statement.predicate.rim.covers === "vbios");
  return {
    ...gpu,
    count:
      gpu.count ??
      one(
        "/gpu/count",
        platforms.map(({ statement }) => statement.predicate.shape.gpus),
        "the platforms differ",
      ),
    driverVersions: gpu.driverVersions ?? [driverBuild.statement.predicate.upstream.version],
    vbiosVersions:
      gpu.vbiosVersions ??
      some(
        "/gpu/vbiosVersions",
        vbios.map(({ statement }) => statement.predicate.rim.componentVersion),
      ),
    rimTables: gpu.rimTables ?? distinct(gpuRims.map(({ statement }) => statement.predicate.tableDigest)),
    fwids:
      gpu.fwids ??
      some(
        "/gpu/fwids",
        gspFirmware.statement.predicate.observedFwids.map(({ fwid }) => fwid),
      ),
    mode: gpu.mode ?? "single",
    modeNotStated: gpu.modeNotStated ?? "reject",
    switches: completeSwitches(gpu.switches ?? null, releases),
    ccMode: gpu.ccMode ?? "on",
    devtools: gpu.devtools ?? false,
  };
}

function completeSwitches(
  switches: NonNullable<Requirements["gpu"]["switches"]> | null,
  { switchRims }: ReleaseSet,
): GpuRequirements["switches"] {
  if (switches === null) return null;
  const rims = switchRims.map(({ statement }) => statement.predicate);
  return {
    count: switches.count,
    vbiosVersions:
      switches.vbiosVersions ??
      some(
        "/gpu/switches/vbiosVersions",
        rims.map(({ rim }) => rim.componentVersion),
      ),
    rimTables:
      switches.rimTables ??
      some(
        "/gpu/switches/rimTables",
        rims.map(({ tableDigest }) => tableDigest),
      ),
  };
}

/**
 * The floor of each kind: as given, or the lowest svn in the release set, so that nothing older is accepted than what is named; 0 of a kind
 * that it has none of.
 */
function floorsOf(releases: ReleaseSet, given: GivenFloors): Policy["svnFloor"] {
  const statements = Object.values(releases)
    .flat()
    .map(({ statement }) => statement);
  const lowest = (kind: ReleaseKind) => {
    const svns = statements.filter((one) => one.kind === kind).map(({ predicate }) => predicate.svn);
    return svns.length === 0 ? 0 : Math.min(...svns);
  };
  const floors = PROFILE_KINDS.map(({ kind }) => [kind, given[kind] ?? lowest(kind)] as const);
  return Object.fromEntries(floors) as Record<keyof Policy["svnFloor"], number>;
}

function distinct<T>(values: readonly T[]): T[] {
  return [...new Set(values)];
}

function one<T>(requirement: string, values: readonly T[], why: string): T {
  const [value, ...others] = distinct(values);
  if (value === undefined || others.length > 0) throw missing(requirement, why);
  return value;
}

function some<T>(requirement: string, values: readonly T[]): T[] {
  if (values.length === 0) throw missing(requirement, "no artefact of the release states one");
  return distinct(values);
}

function missing(requirement: string, why: string): MalformedError {
  return new MalformedError("requirements", `not given, and ${why}`, requirement);
}
