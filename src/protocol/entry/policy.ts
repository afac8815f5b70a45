// Defines the kind policy: which whole release sets are acceptable now. Every field is required; a permissive or empty policy cannot be
// written.
import { differ } from "./fields.ts";
import { membersOf } from "./kind.ts";
import type { Policy, Profile } from "./policy.shape.ts";
import type { Reference } from "./reference.ts";
import { PROFILE_KINDS } from "./release-kinds.ts";

export type { GpuRequirements, Policy, Profile, TdxRequirements } from "./policy.shape.ts";

/** Forms of a TD report, by the TDX module that makes it; the longer ones state more. */
export const TDX_BODIES = ["1.0", "1.5", "1.5-extended"] as const;

/** What TD_ATTRIBUTES and XFAM can be required to say, beside being the platform's. */
export const TD_ATTRIBUTE_RULES = [
  "sept-ve-disable",
  "not-migratable",
  "reserved-zero",
  "xfam-mandatory",
] as const;
export type TdAttributeRule = (typeof TD_ATTRIBUTE_RULES)[number];

/** Architectures of GPUs whose reports can be read. */
export const GPU_ARCHITECTURES = ["hopper", "blackwell", "rubin"] as const;

/** Ways of passing GPUs through that can be asked for. */
export const GPU_MODES = ["single", "ppcie"] as const;

/** How REPORTDATA binds the channel key. */
export const BINDING_FORMATS = [
  "touchstone-binding/v1",
  "ccc-ra-tls",
  "dstack-ratls",
  "contrast-atls",
] as const;

/** One for each kind that a profile names. */
const PROFILE_MEMBERS = PROFILE_KINDS.map(({ profile }) => profile.member);

export function beginsBeforeItExpires({ validFrom, expires }: Policy): boolean {
  return validFrom < expires;
}

export function hasDistinctProfiles({ profiles }: Policy): boolean {
  return differ(profiles.map(({ id }) => id));
}

/** Whether switches are asked for where GPUs are linked by them, and nowhere else. */
export function asksForSwitchesInPpcie({ gpu: { mode, switches }, switchRims }: Profile): boolean {
  return (mode === "single") === (switches === null) && (switches === null) === (switchRims.length === 0);
}

/** Whether a driver that does not state its mode is refused wherever a mode is asked for that it would have to state. */
export function knowsTheMode({ gpu: { mode, modeNotStated } }: Profile): boolean {
  return mode === "single" || modeNotStated === "reject";
}

/** Whether the first version, and no other, follows nothing. */
export function isChained({ version, previous }: Policy): boolean {
  return (version === 1) === (previous === null);
}

/** Whether the profiles of a policy name entries of this kind. */
export function hasPlaceInProfile(kind: string): boolean {
  return PROFILE_KINDS.some((placed) => placed.kind === kind);
}

/** Everything that a profile names, in the order of the list of kinds. */
export function referencesInProfile(profile: Profile): Reference[] {
  return membersOf(profile, PROFILE_MEMBERS);
}

/** The lowest svn that is acceptable where a profile names this entry. */
export function svnFloorOf({ svnFloor }: Policy, { kind }: Pick<Reference, "kind">): number {
  return svnFloor[kind as keyof Policy["svnFloor"]];
}

export function referencesInPolicy({ profiles }: Policy): Reference[] {
  return profiles.flatMap(referencesInProfile);
}
