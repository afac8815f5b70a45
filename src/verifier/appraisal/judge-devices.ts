// Judges a machine's GPUs and the switches between them: what each shows, and whether that and how they are wired is what a profile asks for.
import { gpuRim } from "../../protocol/entry/kinds/gpu-rim.ts";
import { switchRim } from "../../protocol/entry/kinds/switch-rim.ts";
import type { Predicate } from "../../protocol/entry/kinds.ts";
import type { Profile } from "../../protocol/entry/policy.ts";
import { describeReference, type Reference } from "../../protocol/entry/reference.ts";
import type { StatementOf } from "../../protocol/envelope/statement.ts";
import type { VerifiedBundle } from "../bundle/verify-bundle.ts";
import type { Check } from "../check-list.ts";
import type { DeviceEvidence, Evidence } from "../evidence.ts";
import { type AppraisedGpu, checkGpuPolicy, gpuWarnings, readableGpus } from "../nvidia/gpu-policy.ts";
import { type AppraisedSwitch, checkSwitchPolicy, readableSwitches } from "../nvidia/switch-policy.ts";
import { checkTopology } from "../nvidia/topology.ts";
import type { DeviceOptions } from "../nvidia/verify-device.ts";
import { mergeGpuChecks, verifyGpuReport } from "../nvidia/verify-report.ts";
import { mergeSwitchChecks, verifySwitchReport } from "../nvidia/verify-switch.ts";
import type { Window } from "../x509/validity.ts";
import type { AppraiseOptions } from "./appraise.ts";
import type { Facts } from "./judge-machine.ts";

/** What is true of every device, whatever the policy says. */
export async function verifyDevices(
  evidence: Pick<Evidence, "gpus" | "switches">,
  options: DeviceOptions,
): Promise<Pick<Facts, "gpus" | "switches" | "checks">> {
  const [gpus, switches] = await Promise.all([
    Promise.all(evidence.gpus.map((gpu) => verifyGpuReport(gpu, options))),
    Promise.all(evidence.switches.map((device) => verifySwitchReport(device, options))),
  ]);
  return { gpus, switches, checks: [...mergeGpuChecks(gpus), ...mergeSwitchChecks(switches)] };
}

export interface ProfileChecks {
  readonly checks: Check[];
  /** What it lets pass that a reader of the verdict should know. */
  readonly warnings: readonly string[];
  /** The times for which its devices' answers about revocation speak. */
  readonly notRevoked: readonly Window[];
}

/** Makes the checks of every device, whatever each of them comes to. */
export async function checkDevices(
  profile: Profile,
  bundle: VerifiedBundle,
  evidence: Evidence,
  facts: Pick<Facts, "gpus" | "switches" | "signatures">,
  { now, roots, verified }: AppraiseOptions,
): Promise<ProfileChecks> {
  const gpus: AppraisedGpu[] = withResults(evidence.gpus, facts.gpus);
  const switches: AppraisedSwitch[] = withResults(evidence.switches, facts.switches);
  const { signatures } = facts;
  const shared = {
    now,
    ...(roots && { root: roots.nvidia }),
    ...(signatures && { signatures }),
    ...(verified && { verified }),
  };
  const { claims } = evidence;
  const rims = rimsOf(profile.gpuRims, gpuRim.kind, bundle);
  const devices = { gpus: readableGpus(gpus), switches: readableSwitches(switches) };
  const allRead = devices.gpus.length === gpus.length && devices.switches.length === switches.length;
  const ofGpus = await checkGpuPolicy(gpus, profile.gpu, { ...shared, claims, switches, rims });
  const ofSwitches = await checkSwitchPolicy(switches, profile.gpu, {
    ...shared,
    rims: rimsOf(profile.switchRims, switchRim.kind, bundle),
  });
  return {
    checks: [...ofGpus.checks, ...ofSwitches.checks, ...checkTopology(allRead ? devices : null, profile.gpu)],
    warnings: gpuWarnings(facts.gpus, facts.switches, profile.gpu),
    notRevoked: [...ofGpus.notRevoked, ...ofSwitches.notRevoked],
  };
}

function withResults<Result>(
  evidence: readonly DeviceEvidence[],
  results: readonly Result[],
): Array<{ evidence: DeviceEvidence; result: Result }> {
  return results.flatMap((result, i) => {
    const device = evidence[i];
    return device === undefined ? [] : [{ evidence: device, result }];
  });
}

function rimsOf<K extends typeof gpuRim.kind | typeof switchRim.kind>(
  references: readonly Reference[],
  kind: K,
  { entries }: VerifiedBundle,
): Array<{ rim: Predicate<K>; entry: string }> {
  return references.flatMap((reference) => {
    const statement = entries.get(reference.digest)?.statement;
    return statement?.kind === kind
      ? [{ rim: (statement as StatementOf<K>).predicate, entry: describeReference(reference) }]
      : [];
  });
}
