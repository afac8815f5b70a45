// Defines the kind gpu-rim: the golden measurements of a GPU driver or VBIOS. NVIDIA reuses RIM ids for different values, so the digest is
// the name.
import { tableDiffers } from "../golden-table.ts";
import { releaseKind } from "../kind.ts";

export type { GpuRim } from "./gpu-rim.shape.ts";

export const gpuRim = releaseKind({
  kind: "gpu-rim",
  profile: { member: "gpuRims", atMost: 16 },
  references: {},
  recompute: tableDiffers,
});
