// The registry of kinds: which schema reads which predicate. A new kind is one file and one line here.
import type * as z from "zod";
import { driverBuild } from "./driver-build.ts";
import { gpuRim } from "./gpu-rim.ts";
import { gspFirmware } from "./gsp-firmware.ts";
import { kernelPatchSet } from "./kernel-patch-set.ts";
import { osImage } from "./os-image.ts";
import { platform } from "./platform.ts";
import { policy } from "./policy.ts";
import { type Kind, RELEASE_KINDS, type ReleaseKind } from "./reference.ts";
import { revocation } from "./revocation.ts";
import { status } from "./status.ts";
import { trustRoot } from "./trust-root.ts";

export const PREDICATES = {
  "os-image": osImage,
  "kernel-patch-set": kernelPatchSet,
  "driver-build": driverBuild,
  "gsp-firmware": gspFirmware,
  "gpu-rim": gpuRim,
  platform,
  policy,
  revocation,
  status,
  "trust-root": trustRoot,
} as const satisfies Record<Kind, z.ZodType>;

export type Predicate<K extends Kind = Kind> = z.infer<(typeof PREDICATES)[K]>;

export function isReleaseKind(kind: Kind): kind is ReleaseKind {
  return (RELEASE_KINDS as readonly string[]).includes(kind);
}

const PREDICATE_TYPE = /^urn:touchstone:([a-z-]+):v1$/;

export function predicateTypeOf(kind: Kind): string {
  return `urn:touchstone:${kind}:v1`;
}

/** The kind that a predicateType names, or undefined for one this version does not know. */
export function kindOfPredicateType(predicateType: string): Kind | undefined {
  const kind = PREDICATE_TYPE.exec(predicateType)?.[1];
  return kind !== undefined && Object.hasOwn(PREDICATES, kind) ? (kind as Kind) : undefined;
}
