// Defines how one entry names another: by what it is and by the digest of its DSSE payload, so that it can be signed before anything is
// published.
import * as z from "zod";
import { name, releaseVersion, sha256 } from "./fields.ts";

/** Makes the schema of a reference to an entry of one fixed kind. `version` is decimal for policies and trust roots. */
export function referenceTo<const K extends string>({ kind }: { readonly kind: K }) {
  return z
    .strictObject({
      kind: z.literal(kind),
      name,
      version: releaseVersion,
      digest: sha256.describe("SHA-256 of the referenced entry's DSSE payload"),
    })
    .describe(`Reference to a ${kind} entry`);
}

export interface Reference<K extends string = string> {
  readonly kind: K;
  readonly name: string;
  readonly version: string;
  readonly digest: string;
}

/** "kind/name@version", as messages and verdicts show an entry. */
export function describeReference(ref: Pick<Reference, "kind" | "name" | "version">): string {
  return `${ref.kind}/${ref.name}@${ref.version}`;
}
