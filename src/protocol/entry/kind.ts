// Defines what a kind of entry is: one object that holds everything the protocol must know of it.
import type { Attachment } from "./attachment.ts";
import type { Predicates } from "./kinds.shape.ts";
import type { Reference } from "./reference.ts";

/** A released artefact does not say what follows from its own content. */
export interface Mismatch<Code extends string = string> {
  /** The auditor's finding. */
  readonly code: Code;
  readonly message: string;
}

/** A predicate of this kind, as it was read. What no schema is listed for in kinds.schema.ts is not looked at more closely. */
// biome-ignore lint/suspicious/noExplicitAny: a kind that a test makes up is in no list.
export type PredicateOf<K> = K extends keyof Predicates ? Predicates[K] : any;

/** Its validator is the generated one of kinds.shape.ts: a schema may take rules from here, so nothing here needs what follows from it. */
export interface EntryKind<K extends string = string, Code extends string = string> {
  /** As it stands in the predicateType, `urn:touchstone:<kind>:v1`. */
  readonly kind: K;
  /** Everything that the predicate refers to, in the order in which it names it. */
  referencesIn(predicate: PredicateOf<K>): Reference[];
  attachmentsIn(predicate: PredicateOf<K>): Attachment[];
  /** What differs when the predicate's digests are computed again; `attached` is the content of its attachment, once that was read. */
  recompute(predicate: PredicateOf<K>, attached: unknown): Mismatch<Code> | null;
}

/** Where a policy's profile names entries of a kind. */
export interface ProfilePlace {
  /** Member of the profile. */
  readonly member: string;
  /** The member is a list of up to so many references; without it, it is one reference. */
  readonly atMost?: number;
  /** At least so many; 1 when absent. */
  readonly atLeast?: number;
}

/** A kind of artefact that is released. */
export interface ReleaseKindObject<
  K extends string = string,
  P extends ProfilePlace | null = ProfilePlace | null,
  Code extends string = string,
> extends EntryKind<K, Code> {
  /** Members of the predicate that hold a reference, with the kind that each refers to. */
  readonly references: Readonly<Record<string, { readonly kind: string }>>;
  /** Null: policies do not name it. */
  readonly profile: P;
}

/** The members of a predicate that hold references: none of them can be forgotten, nor lead to another kind. */
type ReferenceMembers<T> = {
  readonly [M in keyof T as T[M] extends Reference | readonly Reference[] ? M : never]: {
    readonly kind: T[M] extends Reference
      ? T[M]["kind"]
      : T[M] extends readonly Reference[]
        ? T[M][number]["kind"]
        : never;
  };
};

export interface ReleaseKindDefinition<
  K extends string,
  P extends ProfilePlace | null,
  Code extends string,
  Content,
> {
  readonly kind: K;
  readonly profile: P;
  readonly references: ReferenceMembers<PredicateOf<K>>;
  /** The lists that are attached when they do not fit into the entry, null where they do. What one consists of stands in kinds.schema.ts. */
  readonly attachments?: (predicate: PredicateOf<K>) => readonly (Attachment | null)[];
  /** By finding: says what is wrong, or null. `attached` is null where nothing is attached, or before it was read. */
  readonly recompute?: Readonly<
    Record<Code, (predicate: PredicateOf<K>, attached: Content | null) => string | null>
  >;
}

export function releaseKind<
  const K extends string,
  const P extends ProfilePlace | null,
  Code extends string = never,
  Content = never,
>(definition: ReleaseKindDefinition<K, P, Code, Content>): ReleaseKindObject<K, P, Code> {
  const { kind, profile, references, attachments, recompute } = definition;
  return {
    ...documentKind(kind, (predicate) => membersOf(predicate, Object.keys(references))),
    profile,
    references,
    ...(attachments && {
      attachmentsIn: (predicate) => attachments(predicate).filter((one) => one !== null),
    }),
    recompute(predicate, attached) {
      for (const code in recompute) {
        const message = recompute[code](predicate, attached as Content | null);
        if (message !== null) return { code, message };
      }
      return null;
    },
  };
}

/** A kind that says what holds now. */
export function documentKind<const K extends string>(
  kind: K,
  referencesIn: (document: PredicateOf<K>) => Reference[] = () => [],
): EntryKind<K, never> {
  return { kind, referencesIn, attachmentsIn: () => [], recompute: () => null };
}

/** The values of these members, and the elements of those that are lists. */
export function membersOf<T>(object: unknown, names: readonly string[]): T[] {
  return names.flatMap((name) => (object as Readonly<Record<string, T | T[]>>)[name] ?? []);
}
