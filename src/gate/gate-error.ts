// Defines how the gate refuses: which check failed, with the verdict where there is one. Nothing of a request has left when it is thrown,
// but for a reply that a revocation cuts.
import { printable, recogniseAcrossCopies } from "../protocol/errors.ts";
import { explain, reasonOf, type Verdict } from "../verifier/appraisal/verdict.ts";

/**
 * Why the gate refuses: the id of the check that failed first, such as "tuple.rtmr1" (`APPRAISAL_CHECKS`), or one of
 *
 * - `bundle`: the log's policy cannot be had or does not verify; `revoked`: it was in force, and is no longer;
 * - `unreachable`: the machine, or a log that was never reached, does not answer, or hangs up, or speaks no TLS 1.3;
 * - `evidence.unavailable`, `evidence.format`, `evidence.timeout`: the machine has no evidence, sends something else, or takes too long;
 * - `origin`, `plaintext`: a request to another origin than the gate's, or without TLS;
 * - `resumed`: a TLS session was resumed, in which nobody shows a key; `expired`: the verdict ended before it could be used;
 * - `closed`: the gate was closed.
 * @example
 * ```ts
 * import type { GateCode } from "touchstone/gate";
 * const mayPass = (code: GateCode): boolean => code === "unreachable" || code === "evidence.timeout"; // ask again later
 * ```
 */
export type GateCode =
  | "bundle"
  | "revoked"
  | "unreachable"
  | "evidence.unavailable"
  | "evidence.format"
  | "evidence.timeout"
  | "origin"
  | "plaintext"
  | "resumed"
  | "expired"
  | "closed"
  | (string & {});

/**
 * The gate refuses. What `fetch` of a gate rejects with, and the `cause` of what other users of its dispatcher get.
 * @example
 * ```ts
 * import { type Gate, GateError } from "touchstone/gate";
 * const ask = (gate: Gate, url: string): Promise<Response | string> =>
 *   gate.fetch(url).catch((error: unknown) => {
 *     if (error instanceof GateError && !error.sent) return `nothing was sent: ${error.message}`;
 *     throw error;
 *   });
 * ```
 */
export class GateError extends Error {
  override readonly name = "GateError";
  readonly code: GateCode;
  /** Whether anything of the request had left: true for a reply that a revocation cuts, and for nothing else. */
  readonly sent: boolean;
  /** The verdict that says no; null where nothing could be appraised. */
  readonly verdict: Verdict | null;

  static {
    recogniseAcrossCopies(GateError, "GateError");
  }

  constructor(
    code: GateCode,
    message: string,
    { verdict = null, sent = false }: { readonly verdict?: Verdict | null; readonly sent?: boolean } = {},
  ) {
    super(printable(message));
    this.code = code;
    this.verdict = verdict;
    this.sent = sent;
  }
}

/** Fails wherever evidence was made for another connection, and says more than "gpu.nonce", which then fails, too, and comes before it. */
const ANOTHER_KEY = "binding.report-data";

/** The refusal of a verdict that says no. */
export function refusalOf(verdict: Verdict): GateError {
  const failed = verdict.checks.filter(({ outcome }) => outcome === "fail");
  const otherKey = failed.find(({ id }) => id === ANOTHER_KEY);
  if (otherKey !== undefined)
    return new GateError(ANOTHER_KEY, `evidence of another key: ${explain(otherKey)}`, { verdict });
  const first = failed[0] ?? verdict.checks.find(({ outcome }) => outcome !== "pass");
  return new GateError(first?.id ?? "evidence.format", reasonOf(verdict.checks) ?? "not trusted", {
    verdict,
  });
}

/** The gate's refusal in an error that a client library wrapped around it, or null. */
export function gateErrorIn(error: unknown): GateError | null {
  for (let inner = error; inner instanceof Error; inner = inner.cause)
    if (inner instanceof GateError) return inner;
  return null;
}
