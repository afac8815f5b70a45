// Checks references between entries: each must name an entry that is already there, of that kind, name and version, and not revoked.

import type { Attachment } from "../entry/attachment.ts";
import { type Kind, kindObject } from "../entry/kinds.ts";
import {
  hasPlaceInProfile,
  type Profile,
  referencesInPolicy,
  referencesInProfile,
  svnFloorOf,
} from "../entry/policy.ts";
import { describeReference, type Reference } from "../entry/reference.ts";
import type { Signers } from "../envelope/dsse.ts";
import type { Statement, StatementOf } from "../envelope/statement.ts";
import { bootOf } from "./boots.ts";
import { type InForce, isRevoked } from "./in-force.ts";
import { refuse } from "./refusal.ts";

/** An entry that is in the log, as far as it takes to tell whether another one is the same. */
export interface KnownEntry {
  readonly index: number;
  readonly kind: Kind;
  readonly name: string;
  readonly version: string;
  /** SHA-256 of the payload, hex. */
  readonly digest: string;
}

/** What the rules need to know of an entry that is in the log. */
export interface EntryRecord extends KnownEntry, Signers {
  readonly svn: number | null;
  readonly references: readonly Reference[];
  /** As `bootsOf` says of its statement. */
  readonly boots: readonly string[];
}

/** Everything that a statement refers to, in the order in which it names it. */
export function referencesOf({ kind, predicate }: Pick<Statement, "kind" | "predicate">): Reference[] {
  return kindObject(kind).referencesIn(predicate);
}

export function attachmentsOf({ kind, predicate }: Pick<Statement, "kind" | "predicate">): Attachment[] {
  return kindObject(kind).attachmentsIn(predicate);
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
 * A profile must be one release set: what its image was built with, for instance, is the kernel and driver that it names. Nothing
 * that it names is below the policy's own floor.
 * @throws PolicyError "profile-incoherent" | "below-svn-floor".
 */
export function checkProfiles({ predicate }: StatementOf<"policy">, find: FindEntry): void {
  for (const profile of predicate.profiles) {
    requireOneSet(profile, find);
    requireMeasured(profile, find);
  }
  for (const reference of referencesInPolicy(predicate)) {
    const svn = find(reference.digest)?.svn ?? -1;
    const floor = svnFloorOf(predicate, reference);
    if (svn < floor)
      refuse(
        "below-svn-floor",
        `${describeReference(reference)} has svn ${svn}, the policy's floor is ${floor}`,
      );
  }
}

function requireOneSet(profile: Profile, find: FindEntry): void {
  const named = referencesInProfile(profile);
  for (const from of named) {
    for (const to of find(from.digest)?.references ?? []) {
      if (hasPlaceInProfile(to.kind) && !named.some(({ digest }) => digest === to.digest))
        refuse(
          "profile-incoherent",
          `profile ${profile.id}: ${describeReference(from)} was built with ${describeReference(to)}, which the profile does not name`,
        );
    }
  }
}

/** The image states what it measures when it is started in the profile's way under each platform's firmware. */
function requireMeasured({ id, bootPath, osImage, platforms }: Profile, find: FindEntry): void {
  const measured = find(osImage.digest)?.boots ?? [];
  for (const platform of platforms) {
    const [layout = "no layout"] = find(platform.digest)?.boots ?? [];
    if (!measured.includes(bootOf(bootPath, layout)))
      refuse(
        "profile-incoherent",
        `profile ${id}: ${describeReference(osImage)} states no measurements of a boot by ${bootPath} under ${layout}, the layout of ${describeReference(platform)}`,
      );
  }
}
