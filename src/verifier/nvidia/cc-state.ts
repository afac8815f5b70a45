// Checks the confidential-computing state of the GPUs. No report states it: the measured guest asks its driver and binds the answer into
// REPORTDATA (touchstone-binding/v1), together with the reports it is about. Whether it is bound is the binding's check; here is what it
// must say.
import { sha256 } from "../../protocol/cryptography/hash.ts";
import { encodeHex } from "../../protocol/encoding/hex.ts";
import type { GpuRequirements } from "../../protocol/entry/policy.ts";
import type { CheckList } from "../check-list.ts";
import type { GpuClaims } from "../evidence.ts";

export const CC_STATE_CHECKS = ["gpu.claims", "gpu.cc-mode", "gpu.devtools"] as const;
export type CcStateCheck = (typeof CC_STATE_CHECKS)[number];

/**
 * Checks that the claims speak of exactly these reports, in this order, and state what the policy wants.
 * @param claims null where the guest bound none: then the state is unknown, which fails.
 */
export function checkCcState(
  list: Pick<CheckList<CcStateCheck>, "equal" | "fail">,
  claims: GpuClaims | null,
  reports: readonly Uint8Array[],
  wanted: Pick<GpuRequirements, "ccMode" | "devtools">,
): void {
  if (claims === null) {
    list.fail("gpu.claims", {
      detail: "the guest states nothing about its GPUs' confidential-computing mode",
    });
    return;
  }
  const digests = reports.map((report) => encodeHex(sha256(report)));
  list.equal("gpu.claims", digests.join(" "), claims.reports.join(" "), {
    detail: "SHA-256 of each report, and what the guest states its reports to be",
  });
  list.equal("gpu.cc-mode", wanted.ccMode, claims.ccMode);
  list.equal("gpu.devtools", String(wanted.devtools), String(claims.devtools));
}
