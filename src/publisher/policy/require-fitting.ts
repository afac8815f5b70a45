// Refuses to compose a policy of releases that do not fit together: no machine could match it, or only one that nobody meant.
import { PolicyError } from "../../protocol/errors.ts";
import type { ReleaseSet } from "./release-set.ts";

/** The code of releases that are each in order and do not make one machine. */
export type FittingCode = "release-set";

/** @throws PolicyError "release-set" naming the two releases that do not fit, and what each says. */
export function requireFitting({ driverBuild, gspFirmware, gpuRims, kernelPatchSet }: ReleaseSet): void {
  const driver = driverBuild.statement.predicate;
  const { version } = driver.upstream;
  const { firmwareVersion } = gspFirmware.statement.predicate;
  if (firmwareVersion !== version)
    refuse(`the driver is ${version}, the GSP firmware is of driver ${firmwareVersion}`);
  const covered = (covers: "driver" | "vbios") =>
    gpuRims.map(({ statement }) => statement.predicate.rim).filter((rim) => rim.covers === covers);
  const foreign = covered("driver").find(({ componentVersion }) => componentVersion !== version);
  if (foreign !== undefined)
    refuse(`the driver is ${version}, RIM ${foreign.id} is of driver ${foreign.componentVersion}`);
  for (const covers of ["driver", "vbios"] as const)
    if (covered(covers).length === 0)
      refuse(`no RIM of a ${covers} is among the GPU tables; a report needs both`);
  const { kernelRelease } = kernelPatchSet.statement.predicate;
  const [builtFor] = driver.vermagic.split(" ");
  if (kernelRelease !== null && builtFor !== kernelRelease)
    refuse(`the driver is built for kernel ${builtFor}, the kernel is ${kernelRelease}`);
}

function refuse(detail: string): never {
  throw new PolicyError<FittingCode>("release-set", `the releases do not fit together: ${detail}`);
}
