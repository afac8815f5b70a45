// References between entries: each must name an entry that is already there, of that kind, name and version, and not revoked.

import { describeReference, type Kind, type Reference, type ReleaseKind } from "../entry/reference.ts";
import type { Attachment } from "../entry/release.ts";
import type { Statement, StatementOf } from "../envelope/statement.ts";
import { type InForce, isRevoked } from "./in-force.ts";
import { refuse } from "./refusal.ts";

/** What the rules need to know of an entry that is in the log. */
export interface EntryRecord {
  readonly index: number;
  readonly kind: Kind;
  readonly name: string;
  readonly version: string;
  /** SHA-256 of the payload, hex. */
  readonly digest: string;
  readonly svn: number | null;
  readonly signers: readonly string[];
  readonly references: readonly Reference[];
}

/** Everything that a statement refers to, in the order in which it names it. */
export function referencesOf(statement: Statement): Reference[] {
  switch (statement.kind) {
    case "os-image":
      return [statement.predicate.kernelPatchSet, statement.predicate.driverBuild];
    case "driver-build":
      return [statement.predicate.kernel];
    case "policy":
      return statement.predicate.profiles.flatMap((profile) => [
        ...profile.platforms,
        profile.osImage,
        profile.kernelPatchSet,
        profile.driverBuild,
        profile.gspFirmware,
        ...profile.gpuRims,
      ]);
    default:
      return [];
  }
}

export function attachmentsOf(statement: Statement): Attachment[] {
  const found =
    statement.kind === "os-image"
      ? [statement.predicate.measurements.attachment]
      : statement.kind === "kernel-patch-set" || statement.kind === "driver-build"
        ? [statement.predicate.patches.attachment]
        : [];
  return found.filter((attachment) => attachment !== null);
}

export function svnOf(statement: Statement): number | null {
  return "svn" in statement.predicate ? statement.predicate.svn : null;
}

type FindEntry = (digest: string) => EntryRecord | undefined;

/** @throws PolicyError "reference-missing" | "reference-wrong" | "reference-revoked". */
export function checkReferences(statement: Statement, find: FindEntry, inForce: InForce): void {
  for (const reference of referencesOf(statement)) {
    const label = describeReference(reference);
    const found = find(reference.digest);
    if (found === undefined)
      refuse(
        "reference-missing",
        `${label} (sha256:${reference.digest}) is not in the log; publish it first`,
      );
    if (describeReference(found) !== label) {
      refuse("reference-wrong", `sha256:${reference.digest} is ${describeReference(found)}, not ${label}`);
    }
    if (isRevoked(inForce, found))
      refuse("reference-revoked", `${label} is revoked; refer to a release that is not`);
  }
}

/**
 * A profile must be one release set: its image was built with its kernel and driver, its driver for its kernel, and nothing
 * it names is below the policy's own floor.
 * @throws PolicyError "profile-incoherent" | "below-svn-floor".
 */
export function checkProfiles({ predicate }: StatementOf<"policy">, find: FindEntry): void {
  for (const profile of predicate.profiles) {
    requireReference(find, profile.osImage, profile.kernelPatchSet, profile.id);
    requireReference(find, profile.osImage, profile.driverBuild, profile.id);
    requireReference(find, profile.driverBuild, profile.kernelPatchSet, profile.id);
  }
  for (const reference of referencesOf({ kind: "policy", predicate } as Statement)) {
    const svn = find(reference.digest)?.svn ?? -1;
    const floor = predicate.svnFloor[reference.kind as ReleaseKind];
    if (svn < floor)
      refuse(
        "below-svn-floor",
        `${describeReference(reference)} has svn ${svn}, the policy's floor is ${floor}`,
      );
  }
}

function requireReference(find: FindEntry, from: Reference, to: Reference, profile: string): void {
  if (!find(from.digest)?.references.some(({ digest }) => digest === to.digest)) {
    refuse(
      "profile-incoherent",
      `profile ${profile}: ${describeReference(from)} was not built with ${describeReference(to)}`,
    );
  }
}
