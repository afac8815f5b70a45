// Defines how one entry names another: by what it is and by the digest of its DSSE payload, so that it can be signed before anything is
// published.

/**
 * @example
 * ```ts
 * import type { Reference } from "touchstone/protocol";
 * const image: Reference = { kind: "os-image", name: "acme/guest", version: "1.4.0", digest: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08" };
 * ```
 */
export interface Reference<K extends string = string> {
  readonly kind: K;
  readonly name: string;
  readonly version: string;
  readonly digest: string;
}

/**
 * "kind/name@version", as messages and verdicts show an entry.
 * @example
 * ```ts
 * import { describeReference } from "touchstone/protocol";
 * describeReference({ kind: "os-image", name: "acme/guest", version: "1.4.0" }); // "os-image/acme/guest@1.4.0"
 * ```
 */
export function describeReference(ref: Pick<Reference, "kind" | "name" | "version">): string {
  return `${ref.kind}/${ref.name}@${ref.version}`;
}
