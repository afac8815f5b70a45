// Checks that a machine runs the release that a policy is drafted of.
import type { BootMeasurements } from "../../protocol/entry/kinds/os-image.ts";
import { describeReference, type Reference } from "../../protocol/entry/reference.ts";
import { VerificationError } from "../../protocol/errors.ts";
import type { GoldenComparison } from "../../verifier/nvidia/compare-golden-tables.ts";
import {
  compareSwitchWithLogged,
  compareWithLogged,
  describeComparison,
  type LoggedRim,
  type LoggedSwitchRim,
} from "../../verifier/nvidia/compare-with-logged.ts";
import type { ReleaseSet } from "../policy/release-set.ts";
import type { ObservedMachine } from "./observe-machine.ts";

/** The code of a machine that is genuine and runs something else than it is an example of. */
export type DraftCode = "another-release";

/**
 * @returns the row of the image's measurements that the machine shows: how it was started, and under which layout.
 * @throws VerificationError "another-release" naming the entry that differs.
 */
export function requireRunning(
  { body, gpus, switches }: ObservedMachine,
  { osImage, gpuRims, switchRims }: Pick<ReleaseSet, "osImage" | "gpuRims" | "switchRims">,
): BootMeasurements {
  const { measurements } = osImage.statement.predicate;
  const row = measurements.find(({ rtmr1, rtmr2 }) => rtmr1 === body.rtmr1 && rtmr2 === body.rtmr2);
  if (row === undefined) {
    const stated = measurements.map(({ rtmr1, rtmr2 }) => `rtmr1 ${rtmr1} and rtmr2 ${rtmr2}`).join(", or ");
    throw anotherRelease(
      `${describeReference(osImage.reference)} has ${stated}, the machine ${body.rtmr1} and ${body.rtmr2}`,
    );
  }
  requireTables(gpus, loggedTables(gpuRims));
  requireSwitchTables(switches, loggedTables(switchRims));
  return row;
}

function loggedTables<Rim>(
  rims: ReadonlyArray<{ readonly statement: { readonly predicate: Rim }; readonly reference: Reference }>,
) {
  return rims.map(({ statement, reference }) => ({
    rim: statement.predicate,
    entry: describeReference(reference),
  }));
}

function requireTables(gpus: ObservedMachine["gpus"], rims: readonly LoggedRim[]): void {
  const allowed = rims.map(({ rim }) => rim.tableDigest);
  for (const { chip, report } of gpus) {
    const what = `${chip}, driver ${report.driverVersion}, VBIOS ${report.vbiosVersion}`;
    requireMatch(what, compareWithLogged(report, chip, rims, allowed), "gpu-rims hold no pair of tables");
  }
}

function requireSwitchTables(switches: ObservedMachine["switches"], rims: readonly LoggedSwitchRim[]): void {
  const allowed = rims.map(({ rim }) => rim.tableDigest);
  for (const report of switches)
    requireMatch(
      `switch VBIOS ${report.vbiosVersion}`,
      compareSwitchWithLogged(report, rims, allowed),
      "switch-rims hold no table",
    );
}

function requireMatch(what: string, found: GoldenComparison | null, none: string): void {
  if (found === null) throw anotherRelease(`the chosen ${none} for ${what}`);
  if (!found.matches) throw anotherRelease(`${what}: ${describeComparison(found).detail}`);
}

function anotherRelease(detail: string): VerificationError<DraftCode> {
  return new VerificationError<DraftCode>("another-release", `the machine runs another release: ${detail}`);
}
