// Defines the kind kernel-patch-set: a kernel as base source plus ordered patches plus resolved configuration.
import { releaseKind } from "../kind.ts";
import { patched } from "../patch-series.ts";

export type { KernelPatchSet } from "./kernel-patch-set.shape.ts";

export const kernelPatchSet = releaseKind({
  kind: "kernel-patch-set",
  profile: { member: "kernelPatchSet" },
  references: {},
  ...patched,
});
