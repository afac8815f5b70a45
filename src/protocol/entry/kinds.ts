// Holds the registry of all kinds: the released ones of kinds/list.ts, and the documents that say what holds now.
import * as z from "zod";
import { documentKind, type EntryKind } from "./kind.ts";
import { RELEASES } from "./kinds/list.ts";
import { policy, referencesInPolicy } from "./policy.ts";
import { RELEASE_KINDS, type ReleaseKind } from "./release-kinds.ts";
import { revocation } from "./revocation.ts";
import { status } from "./status.ts";
import { trustRoot } from "./trust-root.ts";

const DOCUMENTS = [
  documentKind("policy", policy, referencesInPolicy),
  documentKind("revocation", revocation),
  documentKind("status", status),
  documentKind("trust-root", trustRoot),
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
type SchemaByKind = { readonly [O in KindObject as O["kind"]]: O["schema"] };
/**
 * @example
 * ```ts
 * import type { Predicate } from "touchstone/protocol";
 * const floorOf = ({ svn }: Predicate<"os-image">): number => svn;
 * ```
 */
export type Predicate<K extends Kind = Kind> = z.infer<SchemaByKind[K]>;

/** Findings of an audit that computes again what artefacts state. */
export type RecomputedCode = NonNullable<ReturnType<KindObject["recompute"]>>["code"];
type AnyKind = EntryKind<Kind, z.ZodType, RecomputedCode>;

const OBJECTS = new Map<string, AnyKind>([...RELEASES, ...DOCUMENTS].map((object) => [object.kind, object]));

/** Kinds that say what holds now. */
export const DOCUMENT_KINDS = /* @__PURE__ */ DOCUMENTS.map(({ kind }) => kind) as readonly Kind[];
export const KINDS: readonly Kind[] = [...RELEASE_KINDS, ...DOCUMENT_KINDS];
export const kind = /* @__PURE__ */ z.enum(KINDS);

/**
 * The schema of each kind's predicate.
 * @example
 * ```ts
 * import { type Predicate, PREDICATES } from "touchstone/protocol";
 * const readRevocation = (json: unknown): Predicate<"revocation"> => PREDICATES.revocation.parse(json);
 * ```
 */
export const PREDICATES = /* @__PURE__ */ Object.fromEntries(
  [...OBJECTS].map(([name, { schema }]) => [name, schema]),
) as SchemaByKind;

/** Everything that the protocol knows of a kind. */
export function kindObject(kind: Kind): AnyKind {
  return OBJECTS.get(kind) as AnyKind;
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
