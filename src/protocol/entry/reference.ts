// How one entry names another: by what it is and by the digest of its DSSE payload, so that it can be signed before anything is published.
import * as z from "zod";
import { name, releaseVersion, sha256 } from "./fields.ts";

/** Kinds that state reference values and may be released. */
export const RELEASE_KINDS = [
  "os-image",
  "kernel-patch-set",
  "driver-build",
  "gsp-firmware",
  "gpu-rim",
  "platform",
] as const;
/** Kinds that say what holds now. */
export const DOCUMENT_KINDS = ["policy", "revocation", "status", "trust-root"] as const;

export const kind = z.enum([...RELEASE_KINDS, ...DOCUMENT_KINDS]);
export type Kind = z.infer<typeof kind>;
export type ReleaseKind = (typeof RELEASE_KINDS)[number];

/** A reference to an entry of one fixed kind. `version` is decimal for policies and trust roots. */
export function referenceTo<const K extends Kind>(to: K) {
  return z
    .strictObject({
      kind: z.literal(to),
      name,
      version: releaseVersion,
      digest: sha256.describe("SHA-256 of the referenced entry's DSSE payload"),
    })
    .describe(`Reference to a ${to} entry`);
}

export interface Reference {
  readonly kind: Kind;
  readonly name: string;
  readonly version: string;
  readonly digest: string;
}

/** "kind/name@version", as messages and verdicts show an entry. */
export function describeReference(ref: Pick<Reference, "kind" | "name" | "version">): string {
  return `${ref.kind}/${ref.name}@${ref.version}`;
}
