// Writes a policy as the measurements file of Flashbots' attested-tls (github.com/flashbots/attested-tls, `MeasurementPolicy`): a list of
// records, each of which one machine may match.
import { utf8 } from "../protocol/encoding/text.ts";
import { cannotSay, type PolicyInForce, policyLabel, type Tuple } from "./policy-in-force.ts";
import type { PolicyView } from "./policy-view.ts";

const FORMAT = "flashbots";

export const flashbots: PolicyView = {
  format: FORMAT,
  revision: "attested-tls 2233497",
  mediaType: "application/json",
  holds: "union",
  cannotSay: [
    "GPUs: driver, VBIOS, firmware and mode are not in the file.",
    "TCB status, TD attributes and XFAM, the channel binding, revocation, and an end of validity.",
    "RTMR3 that is replayed from an event log: such a profile is refused.",
  ],
  render: (policies) =>
    utf8(
      `${JSON.stringify(
        policies.flatMap((policy) => policy.tuples.map((tuple) => record(policy, tuple))),
        null,
        2,
      )}\n`,
    ),
};

/** All five registers, always: a register that is left out matches any value, and a record without registers any machine. */
function record(policy: PolicyInForce, tuple: Tuple) {
  const { mrtd, rtmr0, rtmr1, rtmr2, rtmr3, profile, platform } = tuple;
  if (rtmr3 === null) throw cannotSay(FORMAT, `profile ${profile.id} wants RTMR3 replayed`);
  return {
    measurement_id: `touchstone:${policy.origin}/${policyLabel(policy)}#${profile.id}/${platform}`,
    attestation_type: "dcap-tdx",
    measurements: Object.fromEntries(
      Object.entries({ mrtd, rtmr0, rtmr1, rtmr2, rtmr3 }).map(([name, value]) => [
        name,
        { expected_any: [value] },
      ]),
    ),
  };
}
