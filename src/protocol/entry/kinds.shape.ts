// Reads what kinds.schema.ts describes. Generated from it by `npm run generate`; do not edit.
import { oneOf } from "../shape/containers.ts";
import type { Shape } from "../shape/shape.ts";
import { type IdentityKeys, identityKeys } from "./identity-keys.shape.ts";
import { type DriverBuild, driverBuild } from "./kinds/driver-build.shape.ts";
import { type GpuRim, gpuRim } from "./kinds/gpu-rim.shape.ts";
import { type GspFirmware, gspFirmware } from "./kinds/gsp-firmware.shape.ts";
import { type KernelPatchSet, kernelPatchSet } from "./kinds/kernel-patch-set.shape.ts";
import { type OsImage, osImage } from "./kinds/os-image.shape.ts";
import { type Platform, platform } from "./kinds/platform.shape.ts";
import { type Rebuild, rebuild } from "./kinds/rebuild.shape.ts";
import { type SwitchRim, switchRim } from "./kinds/switch-rim.shape.ts";
import { type MeasuredEvents, measuredEvents } from "./measured-event.shape.ts";
import { type Patches, patches } from "./patch-series.shape.ts";
import { type Policy, policy } from "./policy.shape.ts";
import { type Revocation, revocation } from "./revocation.shape.ts";
import { type Status, status } from "./status.shape.ts";
import { type TrustRoot, trustRoot } from "./trust-root.shape.ts";

export type Predicates = {
  platform: Platform;
  "os-image": OsImage;
  "kernel-patch-set": KernelPatchSet;
  "driver-build": DriverBuild;
  "gsp-firmware": GspFirmware;
  "gpu-rim": GpuRim;
  "switch-rim": SwitchRim;
  rebuild: Rebuild;
  policy: Policy;
  revocation: Revocation;
  status: Status;
  "trust-root": TrustRoot;
  "identity-keys": IdentityKeys;
};

export const PREDICATES: { readonly [K in keyof Predicates]: Shape<Predicates[K]> } = {
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
};

export type Kind =
  | "platform"
  | "os-image"
  | "kernel-patch-set"
  | "driver-build"
  | "gsp-firmware"
  | "gpu-rim"
  | "switch-rim"
  | "rebuild"
  | "policy"
  | "revocation"
  | "status"
  | "trust-root"
  | "identity-keys";

export const kind: Shape<Kind> = oneOf(
  "platform",
  "os-image",
  "kernel-patch-set",
  "driver-build",
  "gsp-firmware",
  "gpu-rim",
  "switch-rim",
  "rebuild",
  "policy",
  "revocation",
  "status",
  "trust-root",
  "identity-keys",
);

export type Attached = {
  "os-image": MeasuredEvents;
  "kernel-patch-set": Patches;
  "driver-build": Patches;
};

export const ATTACHED: { readonly [K in keyof Attached]: Shape<Attached[K]> } = {
  "os-image": measuredEvents,
  "kernel-patch-set": patches,
  "driver-build": patches,
};
