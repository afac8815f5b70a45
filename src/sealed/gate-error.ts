// Says why a gate refused a request, over TLS or sealed, and whether anything of it had left by then.
import { printable, recogniseAcrossCopies } from "../protocol/errors.ts";
import { explain, type Verdict } from "../verifier/appraisal/verdict.ts";
import type { Check } from "../verifier/check-list.ts";

/**
 * A request that a gate refused. `code` is the id of the check that failed (docs/appraisal.md), or one of
 *
 * - `bundle`: the log's bundle is not accepted; `unreachable`: the log or the machine does not answer, or speaks no TLS 1.3;
 * - `evidence.unavailable`, `evidence.format`, `evidence.timeout`, `keys`: the machine has no evidence, sends something else, takes too long,
 *   or has no key of the suite;
 * - `revoked`, `expired`: the machine was trusted and is not any more, or the verdict had ended before it could be used;
 * - `origin`, `plaintext`: the request is not for the machine that the gate is for, or too long for any; or it is for plain HTTP;
 * - `resumed`: a TLS session was resumed, in which nobody shows a key; `closed`: the gate was closed;
 * - `reply.plain`, `reply.broken`: an answer that the machine did not seal, a reply that was cut or changed.
 * @example
 * ```ts
 * import { GateError } from "touchstone/sealed";
 * const wasSent = (error: unknown): boolean => !(error instanceof GateError) || error.sent;
 * ```
 */
export class GateError extends Error {
  static {
    recogniseAcrossCopies(GateError, "GateError");
  }

  override readonly name = "GateError";
  readonly code: string;
  /** False where nothing of the request has left; true where only the machine that was trusted can have read it. */
  readonly sent: boolean;
  /** The verdict that is the reason, where there is one. */
  readonly verdict: Verdict | null;

  constructor(
    code: string,
    message: string,
    {
      sent = false,
      verdict = null,
      cause,
    }: { sent?: boolean; verdict?: Verdict | null; cause?: unknown } = {},
  ) {
    super(printable(message), cause === undefined ? undefined : { cause });
    this.code = code;
    this.sent = sent;
    this.verdict = verdict;
  }
}

/** The refusal that a rejected verdict is. Evidence of another key fails at the GPU's nonce too; what it means is said first. */
export function refusalOf(verdict: Verdict): GateError {
  const of = (outcome: Check["outcome"]) => verdict.checks.find((check) => check.outcome === outcome);
  const ofAnother = verdict.checks.find(
    ({ id, outcome }) => id === "binding.report-data" && outcome === "fail",
  );
  const check = ofAnother ?? of("fail") ?? of("not-evaluated");
  const reason = check === undefined ? "nothing was checked" : explain(check);
  const why = ofAnother === undefined ? reason : `evidence of another key or for another question: ${reason}`;
  return new GateError(check?.id ?? "bundle", `the machine is not trusted: ${why}`, { verdict });
}
