// Gives what every view of a policy is made of: a policy that is in force, the tuples that it accepts, and how long that is known to be so.
import type { GpuRim } from "../protocol/entry/kinds/gpu-rim.ts";
import { gpuRim } from "../protocol/entry/kinds/gpu-rim.ts";
import type { Profile } from "../protocol/entry/policy.ts";
import { describeReference } from "../protocol/entry/reference.ts";
import { PolicyError } from "../protocol/errors.ts";
import { type Candidate, candidatesOf } from "../verifier/appraisal/tuple.ts";
import { policyDigestOf } from "../verifier/bundle/policy-digest.ts";
import type { VerifiedBundle } from "../verifier/bundle/verify-bundle.ts";

/** One release on one of its platforms: the registers belong together and are never mixed with those of another. All are lower-case hex. */
export interface Tuple {
  readonly profile: Profile;
  /** "platform/x@1", the entry that MRTD and RTMR0 come from. */
  readonly platform: string;
  readonly image: string;
  readonly mrtd: string;
  readonly rtmr0: string;
  readonly rtmr1: string;
  readonly rtmr2: string;
  /** null where the profile wants RTMR3 replayed: it then has no one value. */
  readonly rtmr3: string | null;
  readonly rims: readonly GpuRim[];
}

export interface PolicyInForce {
  readonly origin: string;
  readonly name: string;
  readonly version: number;
  /** SHA-256 of the policy's payload, hex. */
  readonly digest: string;
  readonly index: number;
  /** RFC 3339. */
  readonly validFrom: string;
  /** RFC 3339: the first end of policy, status and trust root. A view is never good for longer, since it cannot learn of a revocation. */
  readonly notAfter: string;
  readonly tuples: readonly Tuple[];
}

/** @throws PolicyError where the bundle names no tuple; the ones that verify name at least one. */
export function policyInForce(bundle: VerifiedBundle): PolicyInForce {
  const { policy, policyIndex, checkpoint, status, trustRoot } = bundle;
  const tuples = candidatesOf(bundle).map((candidate) => tupleOf(candidate, bundle));
  if (tuples.length === 0) throw cannotSay("a view", `policy ${policy.name} names no release`);
  return {
    origin: checkpoint.origin,
    name: policy.name,
    version: policy.version,
    digest: policyDigestOf(bundle),
    index: policyIndex,
    validFrom: policy.validFrom,
    notAfter: firstEnd(policy, status, trustRoot),
    tuples,
  };
}

/** RFC 3339: when the first of them ends. */
export function firstEnd(first: Ending, ...others: readonly Ending[]): string {
  return others.reduce((end, { expires }) => (expires < end ? expires : end), first.expires);
}

interface Ending {
  /** RFC 3339, UTC, seconds: the order of the texts is that of the times. */
  readonly expires: string;
}

export type ViewCode = "not-expressible";

/** What a format has no words for is refused: a view that leaves it out would accept more than the policy does. */
export function cannotSay(format: string, what: string): PolicyError<ViewCode> {
  return new PolicyError<ViewCode>("not-expressible", `${format} cannot say it: ${what}`);
}

const ZERO_REGISTER = "00".repeat(48);

function tupleOf(
  { profile, platform, platformEntry, measurements, imageEntry }: Candidate,
  { entries }: VerifiedBundle,
): Tuple {
  const { rtmr3 } = profile.tdx;
  return {
    profile,
    platform: platformEntry,
    image: imageEntry,
    mrtd: platform.mrtd,
    rtmr0: platform.rtmr0,
    rtmr1: measurements.rtmr1,
    rtmr2: measurements.rtmr2,
    rtmr3: rtmr3.mode === "zero" ? ZERO_REGISTER : rtmr3.mode === "exact" ? rtmr3.value : null,
    rims: profile.gpuRims.flatMap(({ digest }) => {
      const statement = entries.get(digest)?.statement;
      return statement?.kind === gpuRim.kind ? [statement.predicate] : [];
    }),
  };
}

/** "policy/production@7", as every view names it. */
export function policyLabel({ name, version }: Pick<PolicyInForce, "name" | "version">): string {
  return describeReference({ kind: "policy", name, version: String(version) });
}
