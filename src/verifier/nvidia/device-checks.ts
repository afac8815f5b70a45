// Names the checks of GPUs and switches. The names are apart from what makes the checks: whoever only names them does not load that.

const STEPS = [
  "report.format",
  "chain.format",
  "chain",
  "chain.root",
  "chain.window",
  "architecture",
  "fwid",
  "report.signature",
  "nonce",
] as const;
export type DeviceStep = (typeof STEPS)[number];

/** Ids of the checks of one kind of device, in order. */
export function deviceChecks<const Prefix extends string>(
  prefix: Prefix,
): readonly `${Prefix}.${DeviceStep}`[] {
  return STEPS.map((step) => `${prefix}.${step}` as const);
}

export const GPU_REPORT_CHECKS = deviceChecks("gpu");
export const SWITCH_REPORT_CHECKS = deviceChecks("switch");

export const CC_STATE_CHECKS = ["gpu.claims", "gpu.cc-mode", "gpu.claimed-mode", "gpu.devtools"] as const;

export const GPU_POLICY_CHECKS = [
  "gpu.count",
  "gpu.distinct",
  "gpu.architecture.allowed",
  "gpu.mode",
  "gpu.switches",
  "gpu.driver.allowed",
  "gpu.vbios.allowed",
  "gpu.fwid.allowed",
  "gpu.rim",
  "gpu.measurements",
  "gpu.revocation",
  ...CC_STATE_CHECKS,
] as const;

export const SWITCH_POLICY_CHECKS = [
  "switch.count",
  "switch.distinct",
  "switch.vbios.allowed",
  "switch.rim",
  "switch.measurements",
  "switch.revocation",
] as const;

export const TOPOLOGY_CHECKS = ["topology.switches", "topology.gpus", "topology.certificates"] as const;
