// Writes policies as a message for the Reference Value Provider Service of confidential-containers/trustee, version 0.1.0, type "sample".
import { encodeBase64 } from "../protocol/encoding/base64.ts";
import { utf8 } from "../protocol/encoding/text.ts";
import { type PolicyInForce, policyLabel, type Tuple } from "./policy-in-force.ts";
import type { PolicyView } from "./policy-view.ts";

export const rvps: PolicyView = {
  format: "rvps",
  revision: "trustee 78962cd, message 0.1.0",
  mediaType: "application/json",
  holds: "union",
  cannotSay: [
    "Tuples, to Trustee's own policy: it compares register by register, so that the firmware of one profile passes with the image of another. `touchstone_tuples` and examples/trustee/tuple.rego compare whole tuples.",
    "Its end: the service gives every value twelve months, and knows no revocation. Register again with each status, and delete what is gone.",
    "Who said so: the service checks no signature. Export where the bundle was verified.",
  ],
  render: (policies) =>
    utf8(
      `${JSON.stringify({
        version: "0.1.0",
        type: "sample",
        payload: encodeBase64(utf8(JSON.stringify(valuesOf(policies)))),
      })}\n`,
    ),
};

/** By the names that Trustee's default policy reads; RTMR0 is for those who write their own. */
function valuesOf(policies: readonly PolicyInForce[]) {
  const tuples = policies.flatMap((policy) => policy.tuples);
  const all = (of: (tuple: Tuple) => string | readonly string[]) => [...new Set(tuples.flatMap(of))];
  return {
    mr_td: all(({ mrtd }) => mrtd),
    rtmr_0: all(({ rtmr0 }) => rtmr0),
    rtmr_1: all(({ rtmr1 }) => rtmr1),
    rtmr_2: all(({ rtmr2 }) => rtmr2),
    allowed_driver_versions: all(({ profile }) => profile.gpu.driverVersions),
    allowed_vbios_versions: all(({ profile }) => profile.gpu.vbiosVersions),
    touchstone_tuples: policies.flatMap((policy) => policy.tuples.map((tuple) => wholeTuple(policy, tuple))),
  };
}

function wholeTuple(policy: PolicyInForce, { profile, platform, mrtd, rtmr0, rtmr1, rtmr2, rtmr3 }: Tuple) {
  return {
    policy: `touchstone:${policy.origin}/${policyLabel(policy)}`,
    digest: policy.digest,
    index: policy.index,
    not_after: policy.notAfter,
    profile: profile.id,
    platform,
    mr_td: mrtd,
    rtmr: [rtmr0, rtmr1, rtmr2],
    rtmr_3: rtmr3,
  };
}
