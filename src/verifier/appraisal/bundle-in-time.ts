// Holds a verified bundle against the time of an appraisal, which may be later than that of its verification: what it says begins and ends.
import { MAX_CLOCK_SKEW } from "../../protocol/note/cosigned-checkpoint.ts";
import type { VerifiedBundle } from "../bundle/verify-bundle.ts";
import { type Check, CheckList } from "../check-list.ts";

/** One for each step of verifyBundle, in order. */
export const BUNDLE_STEPS = [
  "bundle.trust-root",
  "bundle.checkpoint",
  "bundle.status",
  "bundle.policy",
  "bundle.entries",
  "bundle.remembered-state",
] as const;

export const BUNDLE_CHECKS = [...BUNDLE_STEPS, "bundle.time"] as const;

/** When each part of a bundle ends, by the check that says so. */
export function bundleEnds({ trustRoot, cosignedAt, status, policy }: VerifiedBundle) {
  return {
    "bundle.trust-root": Date.parse(trustRoot.expires),
    "bundle.checkpoint": cosignedAt.getTime() + trustRoot.maxCheckpointAge * 1000,
    "bundle.status": Date.parse(status.expires),
    "bundle.policy": Date.parse(policy.expires),
  };
}

/** A bundle that verified: what of it begins or ends with time is held against the time of the appraisal, which may be another. */
export function bundleChecks(bundle: VerifiedBundle, now: Date): Check[] {
  const { policy, asOf } = bundle;
  const list = new CheckList(BUNDLE_CHECKS);
  const ends: Partial<Record<(typeof BUNDLE_STEPS)[number], number>> = bundleEnds(bundle);
  for (const id of BUNDLE_STEPS) {
    if (now.getTime() < (ends[id] ?? Number.POSITIVE_INFINITY)) list.pass(id);
    else
      list.fail(id, {
        detail: `was good when verified, at ${asOf.toISOString()}; fetch and verify a newer bundle`,
      });
  }
  checkClock(list, asOf, Date.parse(policy.validFrom), now);
  return list.checks;
}

/** Before the bundle was verified nobody knows that it was good, but clocks of machines differ by some minutes. */
function checkClock(
  list: CheckList<(typeof BUNDLE_CHECKS)[number]>,
  asOf: Date,
  validFrom: number,
  now: Date,
): void {
  const earliest = Math.max(asOf.getTime() - MAX_CLOCK_SKEW * 1000, validFrom);
  const detail = `clock-before-bundle: it is ${now.toISOString()}, and the bundle was verified at ${asOf.toISOString()} and is in force from ${new Date(validFrom).toISOString()}; set the clock`;
  if (now.getTime() < earliest) list.fail("bundle.time", { detail });
  else list.pass("bundle.time");
}
