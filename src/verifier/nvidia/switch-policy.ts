// Checks what a policy demands of all NVSwitches of a machine, beyond each report being genuine: how many, which ones, their VBIOS, their
// measurements against the logged tables, and revocation.
import type { GpuRequirements } from "../../protocol/entry/policy.ts";
import { CheckList } from "../check-list.ts";
import type { DeviceEvidence } from "../evidence.ts";
import type { VerifiedCache } from "../verified-cache.ts";
import type { SignatureMemo } from "../x509/signature-memo.ts";
import type { DeviceChain } from "./certificate-chain.ts";
import { compareSwitchWithLogged, describeComparison, type LoggedSwitchRim } from "./compare-with-logged.ts";
import { SWITCH_POLICY_CHECKS } from "./device-checks.ts";
import { type DevicePolicyResult, requireGpuNotRevoked } from "./revocation.ts";
import type { SwitchReport } from "./switch-report.ts";
import type { SwitchResult } from "./verify-switch.ts";

type SwitchPolicyCheck = (typeof SWITCH_POLICY_CHECKS)[number];

/** One switch of the evidence with what verifySwitchReport made of it. */
export interface AppraisedSwitch {
  readonly evidence: DeviceEvidence;
  readonly result: SwitchResult;
}

export interface SwitchPolicyOptions {
  readonly now: Date;
  /** The switch-rim entries that the profile names. */
  readonly rims: readonly LoggedSwitchRim[];
  /** DER of the root to trust instead of NVIDIA's pinned one, for tests. */
  readonly root?: Uint8Array;
  /** Signatures that this appraisal verified. */
  readonly signatures?: SignatureMemo;
  /** What earlier calls verified. */
  readonly verified?: VerifiedCache;
}

/** A switch whose report and chain could be read. */
export interface ReadSwitch extends AppraisedSwitch {
  readonly report: SwitchReport;
  readonly chain: DeviceChain;
}

/** Those whose report and chain could be read. */
export function readableSwitches(switches: readonly AppraisedSwitch[]): ReadSwitch[] {
  return switches.flatMap(({ evidence, result }) => {
    const { report, chain } = result;
    return report && chain ? [{ evidence, result, report, chain }] : [];
  });
}

/**
 * Checks the policy's `gpu.switches` on all switches of a machine. A check passes when it passes for every switch. Where the policy asks
 * for none, none may be shown. Never throws on hostile evidence.
 */
export async function checkSwitchPolicy(
  switches: readonly AppraisedSwitch[],
  { switches: wanted, revocation: mode }: Pick<GpuRequirements, "switches" | "revocation">,
  { now, rims, root, signatures, verified }: SwitchPolicyOptions,
): Promise<DevicePolicyResult> {
  const list = new CheckList<SwitchPolicyCheck>(SWITCH_POLICY_CHECKS);
  list.equal("switch.count", String(wanted?.count ?? 0), String(switches.length));
  if (wanted === null) {
    for (const id of SWITCH_POLICY_CHECKS.slice(1))
      list.pass(id, { detail: "the policy asks for no switch" });
    return { checks: list.checks, notRevoked: [] };
  }
  const read = readableSwitches(switches);
  if (read.length === 0 || read.length < switches.length) return { checks: list.checks, notRevoked: [] };
  checkDistinct(list, read);
  for (const { report } of read) {
    const finding = { expected: wanted.vbiosVersions.join(", "), actual: report.vbiosVersion };
    if (wanted.vbiosVersions.includes(report.vbiosVersion))
      list.pass("switch.vbios.allowed", { ...finding, detail: "allowed by the policy" });
    else list.fail("switch.vbios.allowed", { ...finding, detail: "not allowed by the policy" });
    checkMeasurements(list, report, rims, wanted.rimTables);
  }
  const options = {
    now,
    mode,
    ...(root && { root }),
    ...(signatures && { signatures }),
    ...(verified && { verified }),
  };
  const answers = await list.attempt(
    "switch.revocation",
    () => Promise.all(read.map(({ chain, evidence }) => requireGpuNotRevoked(chain, evidence, options))),
    (all) => ({ expected: mode, detail: all.map(({ found }) => found).join("; ") }),
  );
  return { checks: list.checks, notRevoked: answers?.flatMap(({ valid }) => valid) ?? [] };
}

/** By the keys burnt into them, and by the names that they give themselves. */
function checkDistinct(list: CheckList<SwitchPolicyCheck>, switches: readonly ReadSwitch[]): void {
  const keys = new Set(switches.map(({ result }) => result.deviceId));
  const names = new Set(switches.map(({ report }) => report.pdi));
  list.equal("switch.distinct", String(switches.length), String(Math.min(keys.size, names.size)), {
    detail: "switches that are told apart by the key burnt into each, and by PDI",
  });
}

function checkMeasurements(
  list: CheckList<SwitchPolicyCheck>,
  report: SwitchReport,
  rims: readonly LoggedSwitchRim[],
  allowed: readonly string[],
): void {
  const found = compareSwitchWithLogged(report, rims, allowed);
  if (found === null) {
    const detail = `no table that the policy allows is logged for switch VBIOS ${report.vbiosVersion}`;
    list.fail("switch.rim", { detail });
    return;
  }
  list.pass("switch.rim", { detail: `a table is logged for switch VBIOS ${report.vbiosVersion}` });
  if (found.matches) list.pass("switch.measurements", describeComparison(found));
  else list.fail("switch.measurements", describeComparison(found));
}
