// Drafting a profile: one release set of logged entries, and what a machine that runs it must show. For a human to review.
import type * as z from "zod";
import { readAs } from "../../protocol/encoding/shape.ts";
import { type Profile, policy } from "../../protocol/entry/policy.ts";
import {
  describeReference,
  RELEASE_KINDS,
  type Reference,
  type ReleaseKind,
} from "../../protocol/entry/reference.ts";
import { parseJson } from "../../protocol/envelope/parse-json.ts";
import type { StatementOf } from "../../protocol/envelope/statement.ts";
import { VerificationError } from "../../protocol/errors.ts";
import { compareWithLogged, describeComparison } from "../../verifier/nvidia/compare-with-logged.ts";
import type { ObservedMachine } from "../evidence/observe-machine.ts";
import type { PolicyContent } from "./draft-policy.ts";

/** A released entry, logged or about to be, with the reference to it. */
export interface Released<K extends ReleaseKind> {
  readonly statement: StatementOf<K>;
  readonly reference: Reference & { readonly kind: K };
}

/** One whole release set. */
export interface ReleaseSelection {
  readonly osImage: Released<"os-image">;
  readonly kernelPatchSet: Released<"kernel-patch-set">;
  readonly driverBuild: Released<"driver-build">;
  readonly gspFirmware: Released<"gsp-firmware">;
  readonly gpuRims: readonly Released<"gpu-rim">[];
  readonly platforms: readonly Released<"platform">[];
}

const requirements = policy.shape.profiles.element.pick({ tdx: true, gpu: true, binding: true });
/** The part of a profile that no entry states. */
export type Requirements = z.infer<typeof requirements>;

const MAX_REQUIREMENTS_BYTES = 256 * 1024;

/** Reads a file of `{tdx, gpu, binding}`. @throws MalformedError with the JSON pointer of the first fault. */
export function parseRequirements(bytes: Uint8Array): Requirements {
  return readAs(requirements, parseJson(bytes, MAX_REQUIREMENTS_BYTES), "requirements");
}

/** A policy of this one profile. Nothing older than the chosen entries is accepted: each floor is the lowest svn among them. */
export function draftContent(id: string, selection: ReleaseSelection, wanted: Requirements): PolicyContent {
  const { osImage, kernelPatchSet, driverBuild, gspFirmware, gpuRims, platforms } = selection;
  const profile: Profile = {
    id,
    platforms: platforms.map(({ reference }) => reference),
    osImage: osImage.reference,
    kernelPatchSet: kernelPatchSet.reference,
    driverBuild: driverBuild.reference,
    gspFirmware: gspFirmware.reference,
    gpuRims: gpuRims.map(({ reference }) => reference),
    ...wanted,
  };
  const chosen = [osImage, kernelPatchSet, driverBuild, gspFirmware, ...gpuRims, ...platforms];
  const floorOf = (kind: ReleaseKind) =>
    Math.min(
      ...chosen.flatMap(({ statement }) => (statement.kind === kind ? [statement.predicate.svn] : [])),
    );
  const svnFloor = Object.fromEntries(RELEASE_KINDS.map((kind) => [kind, floorOf(kind)]));
  return { svnFloor: svnFloor as PolicyContent["svnFloor"], profiles: [profile] };
}

/** What the machine showed, as requirements: its own values and no others, bound to the TLS key with a fresh challenge. */
export function requirementsFrom(
  { tdx, gpu }: ObservedMachine,
  { gpuRims }: Pick<ReleaseSelection, "gpuRims">,
): Requirements {
  return {
    tdx,
    gpu: { ...gpu, rimTables: gpuRims.map(({ statement }) => statement.predicate.tableDigest) },
    binding: { format: "touchstone-binding/v1", channel: "tls-spki", freshness: "nonce" },
  };
}

/**
 * Refuses to draft from a machine that does not run the chosen release.
 * @throws VerificationError "another-release" naming the entry that differs.
 */
export function requireRunning(
  { body, gpus }: ObservedMachine,
  { osImage, gpuRims }: Pick<ReleaseSelection, "osImage" | "gpuRims">,
): void {
  for (const register of ["rtmr1", "rtmr2"] as const) {
    const expected = osImage.statement.predicate.measurements[register];
    if (body[register] !== expected)
      throw anotherRelease(
        `${describeReference(osImage.reference)} has ${register} ${expected}, the machine ${body[register]}`,
      );
  }
  const rims = gpuRims.map(({ statement, reference }) => ({
    rim: statement.predicate,
    entry: describeReference(reference),
  }));
  const allowed = rims.map(({ rim }) => rim.tableDigest);
  for (const { chip, report } of gpus) {
    const found = compareWithLogged(report, chip, rims, allowed);
    const what = `${chip}, driver ${report.driverVersion}, VBIOS ${report.vbiosVersion}`;
    if (found === null) throw anotherRelease(`the chosen gpu-rims hold no pair of tables for ${what}`);
    if (!found.matches) throw anotherRelease(`${what}: ${describeComparison(found).detail}`);
  }
}

function anotherRelease(detail: string): VerificationError {
  return new VerificationError("another-release", `the machine runs another release: ${detail}`);
}
