// Makes the release set that a known-good machine runs, of the entries of a log that names it.
import type { ReleaseKind } from "../../../src/protocol/entry/release-kinds.ts";
import { type Released, type ReleaseSet, releasedAs } from "../../../src/publisher/policy/release-set.ts";
import type { Machine } from "../../../src/testing/index.ts";
import { makeWorld } from "../../support/appraisal-world.ts";

export async function releaseSetFor(machine: Machine): Promise<ReleaseSet> {
  const { envelopes } = (await makeWorld(machine)).log;
  const released = <K extends ReleaseKind>(kind: K): Released<K>[] =>
    envelopes
      .filter(({ statement }) => statement.kind === kind)
      .map(({ statement, payloadDigest }) => releasedAs(kind, statement, payloadDigest));
  return {
    osImage: released("os-image")[0]!,
    kernelPatchSet: released("kernel-patch-set")[0]!,
    driverBuild: released("driver-build")[0]!,
    gspFirmware: released("gsp-firmware")[0]!,
    gpuRims: released("gpu-rim"),
    switchRims: released("switch-rim"),
    platforms: released("platform").slice(0, 1),
  };
}
