// Holds the registry of all kinds: the released ones of kinds/list.ts, and the documents that say what holds now.
import type { Shape } from "../shape/shape.ts";
import { documentKind, type EntryKind } from "./kind.ts";
import { RELEASES } from "./kinds/list.ts";
import { ATTACHED, PREDICATES as GENERATED, type Predicates } from "./kinds.shape.ts";
import { referencesInPolicy } from "./policy.ts";
import { RELEASE_KINDS, type ReleaseKind } from "./release-kinds.ts";

const DOCUMENTS = [
  documentKind("policy", referencesInPolicy),
  documentKind("revocation"),
  documentKind("status"),
  documentKind("trust-root"),
  documentKind("identity-keys"),
] as const;

type KindObject = (typeof RELEASES)[number] | (typeof DOCUMENTS)[number];
/**
 * @example
 * ```ts
 * import type { Kind } from "touchstone/protocol";
 * const kinds: Kind[] = ["os-image", "policy"];
 * ```
 */
export type Kind = KindObject["kind"];
/**
 * @example
 * ```ts
 * import type { Predicate } from "touchstone/protocol";
 * const floorOf = ({ svn }: Predicate<"os-image">): number => svn;
 * ```
 */
export type Predicate<K extends Kind = Kind> = Predicates[K];

/** Findings of an audit that computes again what artefacts state. */
export type RecomputedCode = NonNullable<ReturnType<KindObject["recompute"]>>["code"];
type AnyKind = EntryKind<Kind, RecomputedCode>;

const OBJECTS = new Map<string, AnyKind>([...RELEASES, ...DOCUMENTS].map((object) => [object.kind, object]));

/** Kinds that say what holds now. */
export const DOCUMENT_KINDS = /* @__PURE__ */ DOCUMENTS.map(({ kind }) => kind) as readonly Kind[];
export const KINDS: readonly Kind[] = [...RELEASE_KINDS, ...DOCUMENT_KINDS];

/** Everything that the protocol knows of a kind. */
export function kindObject(kind: Kind): AnyKind {
  return OBJECTS.get(kind) as AnyKind;
}

/**
 * The validator of each kind's predicate.
 * @example
 * ```ts
 * import { PREDICATES } from "touchstone/protocol";
 * const isPlatform = (json: unknown): boolean => PREDICATES.platform.safeParse(json).error === undefined;
 * ```
 */
export const PREDICATES = GENERATED;

/** The validator of a kind's predicate. */
export function predicateShape<K extends Kind>(kind: K): Shape<Predicate<K>> {
  return PREDICATES[kind];
}

/** The validator of what is attached to an entry of a kind whose entries can have an attachment. */
export function attachedShape(kind: Kind): Shape<unknown> {
  const shape = (ATTACHED as { readonly [K in Kind]?: Shape<unknown> })[kind];
  if (shape === undefined) throw new TypeError(`nothing is attached to entries of the kind ${kind}`);
  return shape;
}

export function isReleaseKind(kind: string): kind is ReleaseKind {
  return (RELEASE_KINDS as readonly string[]).includes(kind);
}

const PREDICATE_TYPE = /^urn:touchstone:([a-z-]+):v1$/;

export function predicateTypeOf(kind: Kind): string {
  return `urn:touchstone:${kind}:v1`;
}

/** The kind that a predicateType names, or undefined for one this version does not know. */
export function kindOfPredicateType(predicateType: string): Kind | undefined {
  return OBJECTS.get(PREDICATE_TYPE.exec(predicateType)?.[1] ?? "")?.kind;
}
