// Defines the kind driver-build: a build of NVIDIA's open kernel modules. The GPU's report does not cover these files, so only this entry
// does.
import { releaseKind } from "../kind.ts";
import { patched } from "../patch-series.ts";
import { kernelPatchSet } from "./kernel-patch-set.ts";

export type { DriverBuild } from "./driver-build.shape.ts";

export const driverBuild = releaseKind({
  kind: "driver-build",
  profile: { member: "driverBuild" },
  references: { kernel: kernelPatchSet },
  ...patched,
});
