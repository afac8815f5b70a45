// Verifies one NVSwitch's report and certificate chain, as a GPU's are. The switches that there are do not send their FWID: what runs on
// them is in their measurements.
import type { Check } from "../check-list.ts";
import type { DeviceEvidence } from "../evidence.ts";
import type { SwitchArchitecture } from "./certificate-chain.ts";
import { parseSwitchReport, type SwitchReport } from "./switch-report.ts";
import { type DeviceOptions, type DeviceResult, mergeDeviceChecks, verifyDevice } from "./verify-device.ts";

const SWITCH = {
  prefix: "switch",
  word: "switch",
  architectures: ["ls10"],
  parse: parseSwitchReport,
  whyNoFwid: () => "the switch does not send it",
} as const;

/** What one switch's evidence shows. Nothing in it may be believed unless `accepted`. */
export type SwitchResult = DeviceResult<SwitchReport, SwitchArchitecture>;

/** Verifies a report of one switch, as verifyDevice does. */
export function verifySwitchReport(
  evidence: Pick<DeviceEvidence, "report" | "chain">,
  options: DeviceOptions,
): Promise<SwitchResult> {
  return verifyDevice(SWITCH, evidence, options);
}

/** The checks of several switches as one list. Where none is shown they pass: whether any ought to be is the policy's to say. */
export function mergeSwitchChecks(results: readonly SwitchResult[]): Check[] {
  const merged = mergeDeviceChecks(SWITCH, results);
  if (results.length > 0) return merged;
  return merged.map((check) => ({ ...check, outcome: "pass", detail: "no switch is shown" }));
}
