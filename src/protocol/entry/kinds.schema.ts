// Lists the schema of each kind's predicate, and of the lists that may be attached to one. A new kind is a line here as well; the validators
// of kinds.shape.ts follow from it.
import * as z from "zod";
import { identityKeys } from "./identity-keys.schema.ts";
import { driverBuild } from "./kinds/driver-build.schema.ts";
import { gpuRim } from "./kinds/gpu-rim.schema.ts";
import { gspFirmware } from "./kinds/gsp-firmware.schema.ts";
import { kernelPatchSet } from "./kinds/kernel-patch-set.schema.ts";
import { osImage } from "./kinds/os-image.schema.ts";
import { platform } from "./kinds/platform.schema.ts";
import { rebuild } from "./kinds/rebuild.schema.ts";
import { switchRim } from "./kinds/switch-rim.schema.ts";
import { measuredEvents } from "./measured-event.schema.ts";
import { patches } from "./patch-series.schema.ts";
import { policy } from "./policy.schema.ts";
import { revocation } from "./revocation.schema.ts";
import { status } from "./status.schema.ts";
import { trustRoot } from "./trust-root.schema.ts";

export const PREDICATES = {
  platform,
  "os-image": osImage,
  "kernel-patch-set": kernelPatchSet,
  "driver-build": driverBuild,
  "gsp-firmware": gspFirmware,
  "gpu-rim": gpuRim,
  "switch-rim": switchRim,
  rebuild,
  policy,
  revocation,
  status,
  "trust-root": trustRoot,
  "identity-keys": identityKeys,
} as const;

/** The name of a kind. */
export const kind = z.enum(Object.keys(PREDICATES) as (keyof typeof PREDICATES)[]);

/** What an attachment holds, of the kinds that may have one. */
export const ATTACHED = {
  "os-image": measuredEvents,
  "kernel-patch-set": patches,
  "driver-build": patches,
} as const;
