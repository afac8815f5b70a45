// Writes the registers of a policy as dstack's verifier names them (github.com/Dstack-TEE/dstack): one object for each tuple.
import { utf8 } from "../protocol/encoding/text.ts";
import type { PolicyView } from "./policy-view.ts";

export const dstack: PolicyView = {
  format: "dstack",
  revision: "dstack 312dc60",
  mediaType: "application/json",
  holds: "union",
  cannotSay: [
    "`os_image_hash`: it is the digest of files that dstack's build makes and the log does not hold.",
    "RTMR3, which dstack replays by itself from the application's compose file.",
    "GPUs, TCB status, TD attributes, the channel binding, revocation, and an end of validity.",
  ],
  render: (policies) => {
    const tuples = policies.flatMap((policy) => policy.tuples);
    return utf8(
      `${JSON.stringify(
        tuples.map(({ mrtd, rtmr0, rtmr1, rtmr2 }) => ({ mrtd, rtmr0, rtmr1, rtmr2 })),
        null,
        2,
      )}\n`,
    );
  },
};
