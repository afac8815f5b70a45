// Lists the describers of releases, one for each kind of protocol/entry/kinds/list.ts. A new kind is a file in this folder and a line here;
// release files and `touchstone describe` take what the list has.
import type { Describer } from "../describer.ts";
import { driverBuildDescriber } from "./driver-build.ts";
import { gpuRimDescriber } from "./gpu-rim.ts";
import { gspFirmwareDescriber } from "./gsp-firmware.ts";
import { kernelPatchSetDescriber } from "./kernel-patch-set.ts";
import { osImageDescriber } from "./os-image.ts";
import { platformDescriber } from "./platform.ts";
import { switchRimDescriber } from "./switch-rim.ts";

export const DESCRIBERS: readonly Describer[] = [
  platformDescriber,
  osImageDescriber,
  kernelPatchSetDescriber,
  driverBuildDescriber,
  gspFirmwareDescriber,
  gpuRimDescriber,
  switchRimDescriber,
];
