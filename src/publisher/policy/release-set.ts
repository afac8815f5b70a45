// Holds what a profile names: one whole release set, each member of it logged or about to be.
import type { Profile } from "../../protocol/entry/policy.ts";
import { type KindByMember, PROFILE_KINDS, type ReleaseKind } from "../../protocol/entry/release-kinds.ts";
import type { Statement, StatementOf } from "../../protocol/envelope/statement.ts";
import { MalformedError } from "../../protocol/errors.ts";

export interface ReleaseName<K extends ReleaseKind> {
  readonly kind: K;
  readonly name: string;
  readonly version: string;
}

/** A reference to a release of one kind. */
export interface ReferenceTo<K extends ReleaseKind> extends ReleaseName<K> {
  /** SHA-256 of the statement's payload, hex. */
  readonly digest: string;
}

/** A released entry with the reference to it. */
export interface Released<K extends ReleaseKind> {
  readonly statement: StatementOf<K>;
  readonly reference: ReferenceTo<K>;
}

/** Members of a profile that name releases, each with the kind that it names. */
export const MEMBER_KINDS = Object.fromEntries(
  PROFILE_KINDS.map(({ kind, profile }) => [profile.member, kind]),
) as MemberKinds;

type MemberKinds = { readonly [M in keyof KindByMember]: KindByMember[M]["kind"] };
/** One release for each of those members, or several where the profile takes a list. */
export type ReleaseSet = {
  readonly [M in keyof MemberKinds]: Profile[M] extends readonly unknown[]
    ? readonly Released<MemberKinds[M]>[]
    : Released<MemberKinds[M]>;
};

/**
 * @param digest SHA-256 of the statement's payload, hex.
 * @throws MalformedError when the statement is of another kind.
 */
export function releasedAs<K extends ReleaseKind>(
  kind: K,
  statement: Statement,
  digest: string,
): Released<K> {
  if (statement.kind !== kind)
    throw new MalformedError("reference", `is a ${statement.kind}, expected a ${kind}`);
  const { name, version } = statement;
  return { statement: statement as unknown as StatementOf<K>, reference: { kind, name, version, digest } };
}
