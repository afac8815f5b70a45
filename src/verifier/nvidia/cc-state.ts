// Checks the confidential-computing state of the GPUs. No report states it: the measured guest asks its driver and binds the answer into
// REPORTDATA (touchstone-binding/v1), together with the reports it is about. Whether it is bound is the binding's check; here is what it
// must say.
import { sha256 } from "../../protocol/cryptography/hash.ts";
import { encodeHex } from "../../protocol/encoding/hex.ts";
import type { GpuRequirements } from "../../protocol/entry/policy.ts";
import type { CheckList } from "../check-list.ts";
import type { GpuClaims } from "../evidence.ts";
import type { CC_STATE_CHECKS } from "./device-checks.ts";

export type CcStateCheck = (typeof CC_STATE_CHECKS)[number];

/** The reports of a machine's GPUs and of its NVSwitches, in the order of the evidence. */
export interface ShownReports {
  readonly gpus: readonly Uint8Array[];
  readonly switches: readonly Uint8Array[];
}

/**
 * Checks that the claims speak of exactly these reports, in this order, and state what the policy wants.
 * @param claims null where the guest bound none: then the state is unknown, which fails.
 */
export function checkCcState(
  list: Pick<CheckList<CcStateCheck>, "equal" | "fail">,
  claims: GpuClaims | null,
  shown: ShownReports,
  wanted: Pick<GpuRequirements, "ccMode" | "devtools" | "mode">,
): void {
  if (claims === null) {
    list.fail("gpu.claims", {
      detail: "the guest states nothing about its GPUs' confidential-computing mode",
    });
    return;
  }
  const digests = (reports: readonly Uint8Array[]) => reports.map((report) => encodeHex(sha256(report)));
  list.equal(
    "gpu.claims",
    inWords(digests(shown.gpus), digests(shown.switches)),
    inWords(claims.reports, claims.switches),
    { detail: "SHA-256 of each report, and what the guest states its reports to be" },
  );
  list.equal("gpu.cc-mode", wanted.ccMode, claims.ccMode);
  list.equal("gpu.claimed-mode", wanted.mode, claims.mode);
  list.equal("gpu.devtools", String(wanted.devtools), String(claims.devtools));
}

function inWords(gpus: readonly string[], switches: readonly string[]): string {
  const listed = (digests: readonly string[]) => digests.join(" ") || "none";
  return `GPUs ${listed(gpus)}, switches ${listed(switches)}`;
}
