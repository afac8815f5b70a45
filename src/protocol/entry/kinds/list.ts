// Lists the kinds of released artefacts, from the firmware of the machine upwards. A new kind is a file in this folder and a line here;
// policies, bundles, documentation and command line name the kinds in this order.
import { driverBuild } from "./driver-build.ts";
import { gpuRim } from "./gpu-rim.ts";
import { gspFirmware } from "./gsp-firmware.ts";
import { kernelPatchSet } from "./kernel-patch-set.ts";
import { osImage } from "./os-image.ts";
import { platform } from "./platform.ts";
import { rebuild } from "./rebuild.ts";
import { switchRim } from "./switch-rim.ts";

export const RELEASES = [
  platform,
  osImage,
  kernelPatchSet,
  driverBuild,
  gspFirmware,
  gpuRim,
  switchRim,
  rebuild,
] as const;
