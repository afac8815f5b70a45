// Appraises one machine: does its evidence match the policy? Every check is named, the set of checks is fixed before any is made,
// and only a verdict whose every check passed is "trusted".

import { stepOf } from "../bundle/bundle-error.ts";
import type { VerifyBundleOptions } from "../bundle/trust-pin.ts";
import { type VerifiedBundle, verifyBundle } from "../bundle/verify-bundle.ts";
import { CheckList } from "../check-list.ts";
import type { VerifiedCache } from "../verified-cache.ts";
import { inOrder } from "./appraisal-checks.ts";
import { BUNDLE_STEPS } from "./bundle-in-time.ts";
import type { Channel } from "./channel-binding.ts";
import type { Verdict } from "./verdict.ts";

/**
 * @example
 * ```ts
 * import type { AppraiseOptions } from "touchstone/verifier";
 * const options = (nonce: Uint8Array, key: Uint8Array): AppraiseOptions => ({ now: new Date(), nonce, channel: { type: "tls-spki", key } });
 * ```
 */
export interface AppraiseOptions {
  /** The time to judge the evidence at. */
  readonly now: Date;
  /** The challenge that the verifier sent, 32 bytes; null when it sent none. */
  readonly nonce: Uint8Array | null;
  readonly channel: Channel;
  /** Roots to pin instead of Intel's and NVIDIA's: for made-up evidence (touchstone/testing) only. */
  readonly roots?: { readonly intel: Uint8Array; readonly nvidia: Uint8Array };
  /** What earlier appraisals verified of collateral, certificates, OCSP answers and CRLs. They are judged at each `now` all the same. */
  readonly verified?: VerifiedCache;
}

/**
 * Verifies a bundle and appraises evidence with it, in one call. A bundle that is refused makes a rejected verdict.
 * @param bundle the bundle's bytes; @param evidence the bytes of evidence.json. Hostile bytes in either never throw.
 * @returns the verdict, and the verified bundle whose `state` the caller must remember; null when it was refused.
 * @example
 * ```ts
 * import { appraise, type AppraiseOptions, type TrustPin } from "touchstone/verifier";
 * const judge = async (bundle: Uint8Array, evidence: Uint8Array, pin: TrustPin, options: AppraiseOptions): Promise<boolean> => {
 *   const { verdict } = await appraise(bundle, evidence, { ...options, pin, policy: "production", remembered: null });
 *   return verdict.verdict === "trusted";
 * };
 * ```
 */
export async function appraise(
  bundle: Uint8Array,
  evidence: Uint8Array,
  options: AppraiseOptions & VerifyBundleOptions,
): Promise<{ verdict: Verdict; bundle: VerifiedBundle | null }> {
  const [verified] = await Promise.all([
    verifyBundle(bundle, options).catch((error: unknown) => rejectBundle(error, options.now)),
    prepareAppraisal(),
  ]);
  if ("verdict" in verified) return { verdict: verified, bundle: null };
  return { verdict: await appraiseEvidence(verified, evidence, options), bundle: verified };
}

/**
 * Appraises evidence with a bundle that was verified before, for as long as what it says is in force and fresh.
 * @example
 * ```ts
 * import { appraiseEvidence, type AppraiseOptions, type VerifiedBundle } from "touchstone/verifier";
 * const isTrusted = async (policy: VerifiedBundle, evidence: Uint8Array, options: AppraiseOptions): Promise<boolean> =>
 *   (await appraiseEvidence(policy, evidence, options)).verdict === "trusted";
 * ```
 */
export async function appraiseEvidence(
  bundle: VerifiedBundle,
  bytes: Uint8Array,
  options: AppraiseOptions,
): Promise<Verdict> {
  const { establishFacts, judgeFacts } = await import("./judge-machine.ts");
  return judgeFacts(bundle, await establishFacts(bytes, options), options);
}

/**
 * Loads what judges evidence, which is as much code again as what verifies bundles: in a page that a bundler split, a chunk of its own. Whoever
 * calls it beside the first fetch need not wait for it in `appraiseEvidence`, which loads it all the same. Rejects where it cannot be loaded.
 * @example
 * ```ts
 * import { fetchPolicy, prepareAppraisal, type FetchPolicyOptions, type VerifiedBundle } from "touchstone/verifier";
 * const policyOf = async (options: FetchPolicyOptions): Promise<VerifiedBundle> => {
 *   const [policy] = await Promise.all([fetchPolicy(options), prepareAppraisal()]);
 *   return policy;
 * };
 * ```
 */
export async function prepareAppraisal(): Promise<void> {
  await import("./judge-machine.ts");
}

/** The verdict for a bundle that verifyBundle refused with this error: its step failed, and nothing after it was evaluated. */
export function rejectBundle(error: unknown, now: Date): Verdict {
  const detail = error instanceof Error ? error.message : "cannot be read";
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  const failed = (stepOf(code) ?? 1) - 1;
  const list = new CheckList(BUNDLE_STEPS);
  for (const id of BUNDLE_STEPS.slice(0, failed)) list.pass(id);
  list.fail(BUNDLE_STEPS[failed] ?? "bundle.trust-root", { detail });
  return {
    verdict: "rejected",
    profile: null,
    checks: inOrder(list.checks),
    warnings: [],
    derivations: null,
    policy: null,
    checkpoint: null,
    asOf: now.toISOString(),
    validUntil: null,
  };
}
