// Defines the answer of an appraisal: trusted, or rejected and why. It names every check, what was expected, what was found, and the logged
// entry that said what to expect.
import type { Check } from "../check-list.ts";
import type { Derivations } from "./tuple.ts";

/**
 * @example
 * ```ts
 * import type { Verdict } from "touchstone/verifier";
 * const mayProceed = ({ verdict }: Verdict): boolean => verdict === "trusted";
 * ```
 */
export interface Verdict {
  readonly verdict: "trusted" | "rejected";
  /** Id of the profile that matched, or of the nearest one; null when no profile could be compared. */
  readonly profile: string | null;
  readonly checks: readonly Check[];
  /** What the evidence does not show, or shows and ought not to, and the profile accepts: one sentence each. */
  readonly warnings: readonly string[];
  /** Whether the registers that were compared were computed from artefacts or observed on a machine; null where none could be compared. */
  readonly derivations: Derivations | null;
  readonly policy: { readonly name: string; readonly version: number; readonly index: number } | null;
  readonly checkpoint: { readonly origin: string; readonly size: number } | null;
  /** RFC 3339: the time as of which everything was judged. */
  readonly asOf: string;
  /**
   * RFC 3339: the first of the times at which something ends that a trusted verdict rests on: trust root, checkpoint, status and policy of the
   * bundle; TCB Info, QE identity, CRLs, OCSP answers and certificates of the evidence. A revocation may end it sooner. Null when rejected.
   */
  readonly validUntil: string | null;
}

/** Only a list of checks all of which passed is trusted; an empty one is not. */
export function isTrusted(checks: readonly Check[]): boolean {
  return checks.length > 0 && checks.every(({ outcome }) => outcome === "pass");
}

/**
 * Why these checks are not trusted: the first one that failed as a sentence, or null where all passed.
 * @example
 * ```ts
 * import { reasonOf, type Verdict } from "touchstone/verifier";
 * const why = ({ checks }: Verdict): string => reasonOf(checks) ?? "nothing failed";
 * ```
 */
export function reasonOf(checks: readonly Check[]): string | null {
  if (isTrusted(checks)) return null;
  const first =
    checks.find(({ outcome }) => outcome === "fail") ?? checks.find(({ outcome }) => outcome !== "pass");
  return first === undefined ? "nothing was checked" : explain(first);
}

/**
 * "tuple.mrtd: differs (expected … by platform/x@1, found …)"
 * @example
 * ```ts
 * import { explain, type Verdict } from "touchstone/verifier";
 * const report = ({ checks }: Verdict): string => checks.map(explain).join("\n");
 * ```
 */
export function explain({ id, outcome, expected, actual, entry, detail }: Check): string {
  if (outcome === "not-evaluated") return `${id}: could not be evaluated`;
  const by = entry === null ? "" : ` by ${entry}`;
  const difference =
    expected === null || actual === null ? "" : ` (expected ${expected}${by}, found ${actual})`;
  return `${id}: ${detail}${difference}`;
}
