// Defines what a kind of entry is: one object that holds everything the protocol must know of it.
import * as z from "zod";
import type { Validator } from "../encoding/shape.ts";
import type { Attachment } from "./attachment.ts";
import type { Reference } from "./reference.ts";

/** A released artefact does not say what follows from its own content. */
export interface Mismatch<Code extends string = string> {
  /** The auditor's finding. */
  readonly code: Code;
  readonly message: string;
}

export interface EntryKind<
  K extends string = string,
  S extends z.ZodType = z.ZodType,
  Code extends string = string,
> {
  /** As it stands in the predicateType, `urn:touchstone:<kind>:v1`. */
  readonly kind: K;
  /** What a predicate must be. The published JSON schema is generated from it. */
  readonly schema: S;
  /** Reads an untrusted predicate: the schema itself, or a faster function that judges alike. */
  readonly validator: Validator<z.infer<S>>;
  /** Everything that the predicate refers to, in the order in which it names it. */
  referencesIn(predicate: z.infer<S>): Reference[];
  attachmentsIn(predicate: z.infer<S>): Attachment[];
  /** Reads the list in an attachment. */
  readonly attachedContent: Validator<unknown>;
  /** What differs when the predicate's digests are computed again; `attached` is the content of its attachment, once that was read. */
  recompute(predicate: z.infer<S>, attached: unknown): Mismatch<Code> | null;
}

/** Where a policy's profile names entries of a kind. */
export interface ProfilePlace {
  /** Member of the profile. */
  readonly member: string;
  /** The member is a list of 1 to so many references; without it, it is one reference. */
  readonly atMost?: number;
}

/** A kind of artefact that is released. */
export interface ReleaseKindObject<
  K extends string = string,
  S extends z.ZodType = z.ZodType,
  P extends ProfilePlace | null = ProfilePlace | null,
  Code extends string = string,
> extends EntryKind<K, S, Code> {
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
  S extends z.ZodType,
  P extends ProfilePlace | null,
  Code extends string,
  Content,
> {
  readonly kind: K;
  readonly schema: S;
  readonly validator?: Validator<z.infer<S>>;
  readonly profile: P;
  readonly references: ReferenceMembers<z.infer<S>>;
  /** The lists that are attached when they do not fit into the entry, null where they do, and what one consists of. */
  readonly attachment?: {
    readonly of: (predicate: z.infer<S>) => readonly (Attachment | null)[];
    readonly content: Validator<Content>;
  };
  /** By finding: says what is wrong, or null. `attached` is null where nothing is attached, or before it was read. */
  readonly recompute?: Readonly<
    Record<Code, (predicate: z.infer<S>, attached: Content | null) => string | null>
  >;
}

export function releaseKind<
  const K extends string,
  S extends z.ZodType,
  const P extends ProfilePlace | null,
  Code extends string = never,
  Content = never,
>(definition: ReleaseKindDefinition<K, S, P, Code, Content>): ReleaseKindObject<K, S, P, Code> {
  const { profile, references, attachment, recompute } = definition;
  return {
    ...documentKind(definition.kind, definition.schema, (predicate) =>
      membersOf(predicate, Object.keys(references)),
    ),
    ...(definition.validator && { validator: definition.validator }),
    profile,
    references,
    ...(attachment && {
      attachmentsIn: (predicate) => attachment.of(predicate).filter((one) => one !== null),
      attachedContent: attachment.content,
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
export function documentKind<const K extends string, S extends z.ZodType>(
  kind: K,
  schema: S,
  referencesIn: (document: z.infer<S>) => Reference[] = () => [],
): EntryKind<K, S, never> {
  const none = () => null;
  return {
    kind,
    schema,
    validator: schema,
    referencesIn,
    attachmentsIn: () => [],
    attachedContent: z.never(),
    recompute: none,
  };
}

/** The values of these members, and the elements of those that are lists. */
export function membersOf<T>(object: unknown, names: readonly string[]): T[] {
  return names.flatMap((name) => (object as Readonly<Record<string, T | T[]>>)[name] ?? []);
}
