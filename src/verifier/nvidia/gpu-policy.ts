// Checks what a policy demands of all GPUs of a machine together, beyond each report being genuine: how many, which ones, their versions,
// firmware, measurements against the logged tables, confidential-computing state and revocation.
import { encodeHex } from "../../protocol/encoding/hex.ts";
import type { GpuRequirements } from "../../protocol/entry/policy.ts";
import { CheckList } from "../check-list.ts";
import type { DeviceEvidence, GpuClaims } from "../evidence.ts";
import type { VerifiedCache } from "../verified-cache.ts";
import type { SignatureMemo } from "../x509/signature-memo.ts";
import { checkCcState } from "./cc-state.ts";
import type { DeviceChain } from "./certificate-chain.ts";
import { compareWithLogged, describeComparison, type LoggedRim } from "./compare-with-logged.ts";
import { GPU_POLICY_CHECKS } from "./device-checks.ts";
import type { GpuReport } from "./report.ts";
import { type DevicePolicyResult, requireGpuNotRevoked } from "./revocation.ts";
import type { AppraisedSwitch } from "./switch-policy.ts";
import type { GpuResult } from "./verify-report.ts";
import type { SwitchResult } from "./verify-switch.ts";

type GpuPolicyCheck = (typeof GPU_POLICY_CHECKS)[number];

/** One GPU of the evidence with what verifyGpuReport made of it. */
export interface AppraisedGpu {
  readonly evidence: DeviceEvidence;
  readonly result: GpuResult;
}

export interface GpuPolicyOptions {
  readonly now: Date;
  /** What the guest states about its GPUs; null where it states nothing. */
  readonly claims: GpuClaims | null;
  /** The NVSwitches that the evidence shows. */
  readonly switches: readonly AppraisedSwitch[];
  /** The gpu-rim entries that the profile names. */
  readonly rims: readonly LoggedRim[];
  /** DER of the root to trust instead of NVIDIA's pinned one, for tests. */
  readonly root?: Uint8Array;
  /** Signatures that this appraisal verified. */
  readonly signatures?: SignatureMemo;
  /** What earlier calls verified. */
  readonly verified?: VerifiedCache;
}

/** A GPU whose report and chain could be read. */
interface ReadGpu extends AppraisedGpu {
  readonly report: GpuReport;
  readonly chain: DeviceChain;
}

/** Those whose report and chain could be read. */
export function readableGpus(gpus: readonly AppraisedGpu[]): ReadGpu[] {
  return gpus.flatMap(({ evidence, result }) => {
    const { report, chain } = result;
    return report && chain ? [{ evidence, result, report, chain }] : [];
  });
}

/**
 * Checks the policy's `gpu` section on all GPUs of a machine. A check passes when it passes for every GPU.
 * Where a report or chain could not be read, only the count is judged and the rest stays not evaluated. Never throws on hostile evidence.
 */
export async function checkGpuPolicy(
  gpus: readonly AppraisedGpu[],
  policy: GpuRequirements,
  options: GpuPolicyOptions,
): Promise<DevicePolicyResult> {
  const list = new CheckList<GpuPolicyCheck>(GPU_POLICY_CHECKS);
  list.equal("gpu.count", String(policy.count), String(gpus.length));
  const read = readableGpus(gpus);
  if (read.length === 0 || read.length < gpus.length) return { checks: list.checks, notRevoked: [] };
  checkIdentity(list, read, policy);
  checkMode(list, read, policy);
  checkMeasurements(list, read, policy, options.rims);
  checkCcState(
    list,
    options.claims,
    {
      gpus: read.map(({ evidence }) => evidence.report),
      switches: options.switches.map(({ evidence }) => evidence.report),
    },
    policy,
  );
  const answers = await list.attempt(
    "gpu.revocation",
    () =>
      Promise.all(
        read.map(({ chain, evidence }) =>
          requireGpuNotRevoked(chain, evidence, { ...options, mode: policy.revocation }),
        ),
      ),
    (all) => ({ expected: policy.revocation, detail: all.map(({ found }) => found).join("; ") }),
  );
  return { checks: list.checks, notRevoked: answers?.flatMap(({ valid }) => valid) ?? [] };
}

/** Which GPUs these are and what runs on them. */
function checkIdentity(
  list: CheckList<GpuPolicyCheck>,
  gpus: readonly ReadGpu[],
  policy: GpuRequirements,
): void {
  const devices = new Set(gpus.map(({ result }) => result.deviceId));
  list.equal("gpu.distinct", String(gpus.length), String(devices.size), {
    detail: "GPUs that are told apart by the key burnt into each",
  });
  const stated = (read: (gpu: ReadGpu) => string | null) => gpus.map((gpu) => read(gpu) ?? "not stated");
  const oneOf = (id: GpuPolicyCheck, allowed: readonly string[], found: readonly string[]) => {
    const finding = { expected: allowed.join(", "), actual: found.join(", ") };
    if (found.every((value) => allowed.includes(value)))
      list.pass(id, { ...finding, detail: "allowed by the policy" });
    else list.fail(id, { ...finding, detail: "not allowed by the policy" });
  };
  const architectures = stated(({ result }) => result.architecture);
  oneOf("gpu.architecture.allowed", [policy.architecture], architectures);
  const drivers = stated(({ report }) => report.driverVersion);
  oneOf("gpu.driver.allowed", policy.driverVersions, drivers);
  const vbioses = stated(({ report }) => report.vbiosVersion);
  oneOf("gpu.vbios.allowed", policy.vbiosVersions, vbioses);
  const fwids = stated(({ report }) => report.fwid && encodeHex(report.fwid));
  oneOf("gpu.fwid.allowed", policy.fwids, fwids);
}

/** All GPUs in the policy's mode. One that does not state it could be in any, so among several it is never accepted. */
function checkMode(list: CheckList<GpuPolicyCheck>, gpus: readonly ReadGpu[], policy: GpuRequirements): void {
  const modes = gpus.map(({ report }) => report.mode);
  const silenceAccepted =
    policy.mode === "single" && policy.modeNotStated === "accept" && policy.count === 1 && gpus.length === 1;
  const bad = modes.find((mode) => mode !== policy.mode && !(mode === "not-stated" && silenceAccepted));
  const finding = { expected: policy.mode, actual: modes.join(", ") };
  if (bad === undefined) list.pass("gpu.mode", { ...finding, detail: "how each GPU is passed through" });
  else list.fail("gpu.mode", { ...finding, detail: WHY_NOT[bad] });
  const linked = new Set(gpus.map(({ report }) => report.switches.join(" ")));
  const named = [...linked].map((switches) => switches || "none").join(" or ");
  if (linked.size === 1)
    list.pass("gpu.switches", { actual: named, detail: "all GPUs name the same NVSwitches" });
  else list.fail("gpu.switches", { actual: named, detail: "GPUs of one machine name different NVSwitches" });
}

const WHY_NOT = {
  single: "the policy wants every GPU to be in another mode",
  mpt: "multi-GPU pass-through is not supported: its links between GPUs are not attested",
  ppcie: "in PPCIE the NVSwitches carry plain text, and this policy asks for none to be attested",
  "not-stated":
    "a driver that does not state the mode is accepted for one GPU alone, where the policy says so",
} as const;

/** What these GPUs cannot show, or were not asked to, that the policy lets pass: one sentence each. */
export function gpuWarnings(
  gpus: readonly GpuResult[],
  switches: readonly SwitchResult[],
  { revocation }: Pick<GpuRequirements, "revocation">,
): string[] {
  const silent = gpus.some(({ report }) => report?.mode === "not-stated");
  return [
    ...(silent ? ["the GPU's driver does not state its mode: single is assumed, not shown"] : []),
    ...unknownTypes("GPUs", gpus),
    ...unknownTypes("switches", switches),
    ...(revocation === "not-required" ? ["revocation of the GPUs' certificates was not asked for"] : []),
  ];
}

function unknownTypes(whose: string, results: ReadonlyArray<GpuResult | SwitchResult>): string[] {
  const types = [...new Set(results.flatMap(({ report }) => report?.unknownTypes ?? []))];
  const things = `${types.length} opaque type${types.length === 1 ? "" : "s"}`;
  return types.length === 0
    ? []
    : [`the ${whose}' reports state ${things} that nothing here knows: ${types.join(", ")}`];
}

function checkMeasurements(
  list: CheckList<GpuPolicyCheck>,
  gpus: readonly ReadGpu[],
  policy: GpuRequirements,
  rims: readonly LoggedRim[],
): void {
  for (const { report, result } of gpus) {
    const found = compareWithLogged(report, result.chip, rims, policy.rimTables);
    const detail = `${result.chip}, driver ${report.driverVersion}, VBIOS ${report.vbiosVersion}`;
    if (found === null) {
      list.fail("gpu.rim", { detail: `no pair of tables that the policy allows is logged for ${detail}` });
      continue;
    }
    list.pass("gpu.rim", { detail: `tables are logged for ${detail}` });
    if (found.matches) list.pass("gpu.measurements", describeComparison(found));
    else list.fail("gpu.measurements", describeComparison(found));
  }
}
