// The policy over a release: one profile of its artefacts. What the artefacts say is read from them; what they cannot say comes from
// the requirements that the policy owner keeps.
import type { Policy, Profile } from "../../protocol/entry/policy.ts";
import { RELEASE_KINDS, type ReleaseKind } from "../../protocol/entry/reference.ts";
import type { StatementOf } from "../../protocol/envelope/statement.ts";
import { MalformedError } from "../../protocol/errors.ts";
import { svnOf } from "../../protocol/registration/references.ts";
import type { PolicyContent } from "../policy/draft-policy.ts";
import type { PolicySection, Requirements } from "./release-file.ts";

/** A statement with the digest by which others refer to it. */
export interface Member<K extends ReleaseKind> {
  readonly statement: StatementOf<K>;
  readonly digest: string;
}

export interface ProfileMembers {
  readonly osImage: Member<"os-image">;
  readonly kernelPatchSet: Member<"kernel-patch-set">;
  readonly driverBuild: Member<"driver-build">;
  readonly gspFirmware: Member<"gsp-firmware">;
  readonly gpuRims: readonly Member<"gpu-rim">[];
  readonly platforms: readonly Member<"platform">[];
}

/** @throws MalformedError naming the requirement that is not given and that no artefact states. */
export function composePolicy(
  section: Pick<PolicySection, "name" | "profile" | "svnFloor">,
  { tdx, gpu, binding }: Requirements,
  members: ProfileMembers,
): PolicyContent {
  const { osImage, kernelPatchSet, driverBuild, gspFirmware, gpuRims, platforms } = members;
  return {
    svnFloor: { ...lowestSvn(members), ...section.svnFloor } as Policy["svnFloor"],
    profiles: [
      {
        id: section.profile ?? section.name,
        platforms: platforms.map(refer),
        osImage: refer(osImage),
        kernelPatchSet: refer(kernelPatchSet),
        driverBuild: refer(driverBuild),
        gspFirmware: refer(gspFirmware),
        gpuRims: gpuRims.map(refer),
        tdx,
        gpu: completeGpu(gpu, members),
        binding,
      },
    ],
  };
}

function completeGpu(gpu: Requirements["gpu"], members: ProfileMembers): Profile["gpu"] {
  const { driverBuild, gspFirmware, gpuRims, platforms } = members;
  const vbios = gpuRims.filter(({ statement }) => statement.predicate.rim.covers === "vbios");
  return {
    ccMode: "on",
    devtools: false,
    ...gpu,
    count:
      gpu.count ??
      one(
        "count",
        platforms.map(({ statement }) => statement.predicate.shape.gpus),
      ),
    driverVersions: gpu.driverVersions ?? [driverBuild.statement.predicate.upstream.version],
    vbiosVersions:
      gpu.vbiosVersions ??
      some(
        "vbiosVersions",
        vbios.map(({ statement }) => statement.predicate.rim.componentVersion),
      ),
    rimTables: distinct(gpuRims.map(({ statement }) => statement.predicate.tableDigest)),
    fwids:
      gpu.fwids ??
      some(
        "fwids",
        gspFirmware.statement.predicate.observedFwids.map(({ fwid }) => fwid),
      ),
  } as Profile["gpu"];
}

function refer<K extends ReleaseKind>({ statement: { kind, name, version }, digest }: Member<K>) {
  return { kind, name, version, digest };
}

/** The lowest security version of each kind: what the profile names is exactly what it accepts. */
function lowestSvn(members: ProfileMembers): Record<ReleaseKind, number> {
  const { gpuRims, platforms, ...single } = members;
  const all = [...gpuRims, ...platforms, ...Object.values(single)].map(({ statement }) => statement);
  const lowest = (kind: ReleaseKind) =>
    Math.min(...all.filter((statement) => statement.kind === kind).map((statement) => svnOf(statement) ?? 0));
  return Object.fromEntries(RELEASE_KINDS.map((kind) => [kind, lowest(kind)])) as Record<ReleaseKind, number>;
}

function distinct<T>(values: readonly T[]): T[] {
  return [...new Set(values)];
}

function one<T>(requirement: string, values: readonly T[]): T {
  const [value, ...others] = distinct(values);
  if (value === undefined || others.length > 0) throw missing(requirement, "the platforms differ");
  return value;
}

function some<T>(requirement: string, values: readonly T[]): T[] {
  if (values.length === 0) throw missing(requirement, "no artefact of the release states one");
  return distinct(values);
}

function missing(requirement: string, why: string): MalformedError {
  return new MalformedError(
    "release file",
    `not given, and ${why}`,
    `policy.requirements.gpu.${requirement}`,
  );
}
