// Checks that a machine runs the release that a policy is drafted of.
import type { BootMeasurements } from "../../protocol/entry/kinds/os-image.ts";
import { describeReference } from "../../protocol/entry/reference.ts";
import { VerificationError } from "../../protocol/errors.ts";
import { compareWithLogged, describeComparison } from "../../verifier/nvidia/compare-with-logged.ts";
import type { ReleaseSet } from "../policy/release-set.ts";
import type { ObservedMachine } from "./observe-machine.ts";

/** The code of a machine that is genuine and runs something else than it is an example of. */
export type DraftCode = "another-release";

/**
 * @returns the row of the image's measurements that the machine shows: how it was started, and under which layout.
 * @throws VerificationError "another-release" naming the entry that differs.
 */
export function requireRunning(
  { body, gpus }: ObservedMachine,
  { osImage, gpuRims }: Pick<ReleaseSet, "osImage" | "gpuRims">,
): BootMeasurements {
  const { measurements } = osImage.statement.predicate;
  const row = measurements.find(({ rtmr1, rtmr2 }) => rtmr1 === body.rtmr1 && rtmr2 === body.rtmr2);
  if (row === undefined) {
    const stated = measurements.map(({ rtmr1, rtmr2 }) => `rtmr1 ${rtmr1} and rtmr2 ${rtmr2}`).join(", or ");
    throw anotherRelease(
      `${describeReference(osImage.reference)} has ${stated}, the machine ${body.rtmr1} and ${body.rtmr2}`,
    );
  }
  const rims = gpuRims.map(({ statement, reference }) => ({
    rim: statement.predicate,
    entry: describeReference(reference),
  }));
  const allowed = rims.map(({ rim }) => rim.tableDigest);
  for (const { chip, report } of gpus) {
    const found = compareWithLogged(report, chip, rims, allowed);
    const what = `${chip}, driver ${report.driverVersion}, VBIOS ${report.vbiosVersion}`;
    if (found === null) throw anotherRelease(`the chosen gpu-rims hold no pair of tables for ${what}`);
    if (!found.matches) throw anotherRelease(`${what}: ${describeComparison(found).detail}`);
  }
  return row;
}

function anotherRelease(detail: string): VerificationError<DraftCode> {
  return new VerificationError<DraftCode>("another-release", `the machine runs another release: ${detail}`);
}
