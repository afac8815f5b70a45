// Lists why a bundle is not accepted: a closed list of codes, each belonging to one of the six steps of verification.
import { PolicyError, VerificationError } from "../../protocol/errors.ts";

/** Codes for what is broken or forged. */
export const BROKEN = {
  "trust-root-pin": 1,
  "trust-root-chain": 1,
  "checkpoint-not-authentic": 2,
  "not-included": 2,
  "status-not-authorised": 3,
  "status-disagrees": 3,
  "policy-not-authorised": 4,
  "entry-not-authorised": 5,
  "entry-missing": 5,
  "entry-wrong": 5,
  "consistency-missing": 6,
  "consistency-broken": 6,
  "log-forked": 6,
} as const;

/** Codes for what is authentic but not acceptable now. */
export const NOT_ACCEPTABLE = {
  "trust-root-rolled-back": 1,
  "trust-root-expired": 1,
  "log-closed": 1,
  "checkpoint-stale": 2,
  "status-rolled-back": 3,
  "status-expired": 3,
  "policy-not-asked-for": 4,
  "policy-historical": 4,
  "policy-revoked": 4,
  "policy-not-in-force": 4,
  "policy-rolled-back": 4,
  "entry-revoked": 5,
  "entry-below-svn-floor": 5,
  "entry-not-rebuilt": 5,
  "entry-rebuilt-otherwise": 5,
  "identity-unconfirmed": 5,
  "checkpoint-rolled-back": 6,
} as const;

/**
 * @example
 * ```ts
 * import type { BrokenCode } from "touchstone/verifier";
 * const isBroken = (codes: readonly BrokenCode[], code: BrokenCode): boolean => codes.includes(code);
 * ```
 */
export type BrokenCode = keyof typeof BROKEN;
/**
 * @example
 * ```ts
 * import type { NotAcceptableCode } from "touchstone/verifier";
 * const isStale = (codes: readonly NotAcceptableCode[], code: NotAcceptableCode): boolean => codes.includes(code);
 * ```
 */
export type NotAcceptableCode = keyof typeof NOT_ACCEPTABLE;
/**
 * @example
 * ```ts
 * import { type BundleCode, stepOf } from "touchstone/verifier";
 * const stepOfCode = (code: BundleCode): number | undefined => stepOf(code);
 * ```
 */
export type BundleCode = BrokenCode | NotAcceptableCode;

const STEPS: Readonly<Record<BundleCode, number>> = { ...BROKEN, ...NOT_ACCEPTABLE };
const STEP_NAMES = ["", "trust root", "checkpoint", "status", "policy", "entries", "remembered state"];

/**
 * The number of the step that a code belongs to, 1 to 6; undefined for a code that is not of bundle verification.
 * @example
 * ```ts
 * import { stepOf } from "touchstone/verifier";
 * import { VerificationError } from "touchstone/protocol";
 * const failedStep = (error: VerificationError): number | undefined => stepOf(error.code); // 1 to 6
 * ```
 */
export function stepOf(code: string): number | undefined {
  return Object.hasOwn(STEPS, code) ? STEPS[code as BundleCode] : undefined;
}

export function refuseBroken(code: BrokenCode, message: string): never {
  throw new VerificationError<BrokenCode>(code, inStep(code, message));
}

export function refuseUnacceptable(code: NotAcceptableCode, message: string): never {
  throw new PolicyError<NotAcceptableCode>(code, inStep(code, message));
}

/** The message of a refusal, with the step that it belongs to. */
export function inStep(code: BundleCode, message: string): string {
  const step = STEPS[code];
  return `step ${step} (${STEP_NAMES[step]}): ${message}`;
}

/** Runs a check of a lower layer and turns whatever it refuses into a code of ours. */
export async function asBundleError<T>(
  code: BundleCode,
  what: string,
  check: () => T | Promise<T>,
): Promise<T> {
  try {
    return await check();
  } catch (error) {
    const message = `${what}: ${error instanceof Error ? error.message : "failed"}`;
    return isBroken(code) ? refuseBroken(code, message) : refuseUnacceptable(code, message);
  }
}

function isBroken(code: BundleCode): code is BrokenCode {
  return Object.hasOwn(BROKEN, code);
}
