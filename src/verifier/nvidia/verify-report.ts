// Verifies one GPU's report and certificate chain. A missing FWID passes only for drivers that never send one.
import { GPU_ARCHITECTURES } from "../../protocol/entry/policy.ts";
import { VerificationError } from "../../protocol/errors.ts";
import type { Check } from "../check-list.ts";
import type { DeviceEvidence } from "../evidence.ts";
import type { GpuArchitecture } from "./certificate-chain.ts";
import type { NvidiaCode } from "./nvidia-code.ts";
import { type GpuReport, parseGpuReport } from "./report.ts";
import { type DeviceOptions, type DeviceResult, mergeDeviceChecks, verifyDevice } from "./verify-device.ts";

const GPU = {
  prefix: "gpu",
  word: "GPU",
  architectures: GPU_ARCHITECTURES,
  parse: parseGpuReport,
  whyNoFwid: requireOldDriver,
} as const;

/** What one GPU's evidence shows. Nothing in it may be believed unless `accepted`. */
export type GpuResult = DeviceResult<GpuReport, GpuArchitecture>;

/** Verifies a report of one GPU, as verifyDevice does. */
export function verifyGpuReport(
  evidence: Pick<DeviceEvidence, "report" | "chain">,
  options: DeviceOptions,
): Promise<GpuResult> {
  return verifyDevice(GPU, evidence, options);
}

/** The checks of several GPUs as one list. */
export function mergeGpuChecks(results: readonly GpuResult[]): Check[] {
  return mergeDeviceChecks(GPU, results);
}

/** The first driver branch that sends the FWID. */
const FIRST_DRIVER_WITH_FWID = 550;

function requireOldDriver({ driverVersion }: GpuReport): string {
  if (Number.parseInt(driverVersion, 10) < FIRST_DRIVER_WITH_FWID)
    return `driver ${driverVersion} does not send it`;
  throw new VerificationError<NvidiaCode>(
    "gpu-fwid",
    "the report does not state it, though drivers since 550 do",
  );
}
