// Defines the kind switch-rim: the golden measurements of an NVSwitch's VBIOS. Without switches, a profile names none.
import { tableDiffers } from "../golden-table.ts";
import { releaseKind } from "../kind.ts";

export type { SwitchRim } from "./switch-rim.shape.ts";

export const switchRim = releaseKind({
  kind: "switch-rim",
  profile: { member: "switchRims", atLeast: 0, atMost: 16 },
  references: {},
  recompute: tableDiffers,
});
