// Defines the kind gsp-firmware: firmware of the GPU System Processor, as files, and the FWIDs that devices running it were seen to report.
import { releaseKind } from "../kind.ts";

export type { GspFirmware } from "./gsp-firmware.shape.ts";

export const gspFirmware = releaseKind({
  kind: "gsp-firmware",
  profile: { member: "gspFirmware" },
  references: {},
});
