// Gives the schema of how one entry names another (reference.ts).
import * as z from "zod";
import { name, releaseVersion, sha256 } from "./fields.schema.ts";

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
