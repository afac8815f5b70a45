// Turns the checks of a verdict into trustworthiness vectors (AR4SI, draft-ietf-rats-ar4si): a claim says how far one aspect of the machine
// may be trusted, and the worst of them is the status. Where nothing was checked there is no claim.

import { isTrusted } from "../verifier/appraisal/verdict.ts";
import type { Check } from "../verifier/check-list.ts";

export type Claim =
  | "instance-identity"
  | "configuration"
  | "executables"
  | "file-system"
  | "hardware"
  | "runtime-opaque";

export type TrustVector = Partial<Record<Claim, number>>;
export type Tier = "affirming" | "warning" | "contraindicated" | "none";
type Part = "guest" | "gpu";

const AFFIRMING = 2;
/** Of executables: not recognised. */
const UNRECOGNISED = 33;
const CONTRAINDICATED = 96;
/** What the values themselves rest on could not be verified. */
const CRYPTOGRAPHY_FAILED = 99;

interface Aspect {
  readonly part: Part;
  readonly claim: Claim;
  /** Checks whose ids begin so, or are it. The first aspect that fits a check has it. */
  readonly checks: readonly string[];
  readonly failed: number;
}

const ASPECTS: readonly Aspect[] = [
  { part: "guest", claim: "executables", checks: ["bundle."], failed: CRYPTOGRAPHY_FAILED },
  { part: "guest", claim: "configuration", checks: ["evidence."], failed: CONTRAINDICATED },
  {
    part: "guest",
    claim: "configuration",
    checks: [
      "tuple.td-attributes",
      "tuple.xfam",
      "tuple.mr-",
      "tdx.policy.debug",
      "tdx.policy.attributes",
      "tdx.policy.service-td",
    ],
    failed: CONTRAINDICATED,
  },
  { part: "guest", claim: "executables", checks: ["tuple."], failed: UNRECOGNISED },
  { part: "guest", claim: "instance-identity", checks: ["binding."], failed: CONTRAINDICATED },
  { part: "guest", claim: "hardware", checks: ["tdx."], failed: CONTRAINDICATED },
  {
    part: "gpu",
    claim: "configuration",
    checks: [
      "gpu.claims",
      "gpu.cc-mode",
      "gpu.claimed-mode",
      "gpu.devtools",
      "gpu.mode",
      "gpu.count",
      "gpu.distinct",
      "gpu.switches",
      "switch.count",
      "switch.distinct",
      "topology.",
    ],
    failed: CONTRAINDICATED,
  },
  {
    part: "gpu",
    claim: "executables",
    checks: [
      "gpu.rim",
      "gpu.measurements",
      "gpu.driver.",
      "gpu.vbios.",
      "switch.rim",
      "switch.measurements",
      "switch.vbios.",
    ],
    failed: UNRECOGNISED,
  },
  { part: "gpu", claim: "instance-identity", checks: ["gpu.nonce", "switch.nonce"], failed: CONTRAINDICATED },
  { part: "gpu", claim: "hardware", checks: ["gpu.", "switch."], failed: CONTRAINDICATED },
];

export interface Vectors {
  readonly guest: TrustVector;
  readonly gpu: TrustVector;
}

/** The vectors of the guest and of its GPUs. Of a machine that was refused, the configuration of each part is contraindicated. */
export function vectorsOf(checks: readonly Check[]): Vectors {
  const trusted = isTrusted(checks);
  const of = (part: Part) => {
    const vector: TrustVector = {};
    for (const aspect of [...ASPECTS, OTHERS].filter((other) => other.part === part)) {
      const value = judge(aspect, checks);
      if (value !== undefined) vector[aspect.claim] = Math.max(value, vector[aspect.claim] ?? 0);
    }
    return completed(vector, part, trusted);
  };
  return { guest: of("guest"), gpu: of("gpu") };
}

/** A check that no aspect knows is one of the hardware's: it counts, whatever it is. */
function aspectOf({ id }: Check): Aspect {
  const fits = ({ checks }: Aspect) => checks.some((begin) => id.startsWith(begin));
  return ASPECTS.find(fits) ?? OTHERS;
}

const OTHERS: Aspect = { part: "guest", claim: "hardware", checks: [], failed: CONTRAINDICATED };

/** undefined where a check was not made, and none failed: what was not checked is claimed by nobody. */
function judge(aspect: Aspect, all: readonly Check[]): number | undefined {
  const checks = all.filter((check) => aspectOf(check) === aspect);
  if (checks.some(({ outcome }) => outcome === "fail")) return aspect.failed;
  const made = checks.length > 0 && checks.every(({ outcome }) => outcome === "pass");
  return made ? AFFIRMING : undefined;
}

function completed(vector: TrustVector, part: Part, trusted: boolean): TrustVector {
  const { executables, hardware, configuration } = vector;
  if (!trusted) return { ...vector, configuration: Math.max(CONTRAINDICATED, configuration ?? 0) };
  return {
    ...vector,
    // The root of dm-verity stands in the command line that RTMR1 and RTMR2 measure.
    ...(part === "guest" && executables === AFFIRMING && { "file-system": AFFIRMING }),
    ...(hardware === AFFIRMING && configuration === AFFIRMING && { "runtime-opaque": AFFIRMING }),
  };
}

/** The worst tier of a vector; a status that is better than that would be a lie that readers do not notice. */
export function statusOf(vector: TrustVector): Tier {
  const worst = Math.max(0, ...Object.values(vector));
  if (worst >= 96) return "contraindicated";
  if (worst >= 32) return "warning";
  return worst >= 2 ? "affirming" : "none";
}
