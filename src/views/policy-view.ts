// Defines a view of policies: a pure function from what is in force to the bytes of a format that others read. No verifier of Touchstone
// reads one.
import type { PolicyInForce } from "./policy-in-force.ts";

export interface PolicyView {
  /** As `touchstone policy export --format` takes it. */
  readonly format: string;
  /** The revision that it writes: formats move, and a reader of another one must be able to tell. */
  readonly revision: string;
  readonly mediaType: string;
  /** "one": a document states one policy; "union": several go into one document, as a second one would replace the first. */
  readonly holds: "one" | "union";
  /** What gets lost, for docs/interop.md: one sentence each. */
  readonly cannotSay: readonly string[];
  /**
   * @param policies at least one, and one where the view holds one.
   * @throws PolicyError (not-expressible) where leaving something out would accept more than the policy does.
   */
  readonly render: (policies: readonly PolicyInForce[]) => Uint8Array;
}
