// Derives from the list of release kinds what trust roots and policies say of them.
import type { ReleaseKindObject } from "./kind.ts";
import { RELEASES } from "./kinds/list.ts";

type Release = (typeof RELEASES)[number];
export type ReleaseKind = Release["kind"];

/** The same list where only what all kinds have in common matters. */
export const RELEASE_OBJECTS: readonly ReleaseKindObject<ReleaseKind>[] = RELEASES;

/** Names of the kinds that state reference values and may be released. */
export const RELEASE_KINDS = RELEASES.map(({ kind }) => kind) as readonly ReleaseKind[];

/** The kinds that the profiles of a policy name, by the member that does. */
export type KindByMember = {
  [R in Exclude<Release, { readonly profile: null }> as R["profile"]["member"]]: R;
};

/** Those of the list that have a place in a profile. */
export const PROFILE_KINDS = RELEASES.filter(
  ({ profile }) => profile !== null,
) as readonly KindByMember[keyof KindByMember][];
