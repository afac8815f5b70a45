// Defines the kind rebuild: what somebody found who built a release again. It refers to one release and says of each of its fields whether the
// rebuilt files have the same value. Its builder is the rebuilder.
import { releaseKind } from "../kind.ts";
import { driverBuild } from "./driver-build.ts";
import { gspFirmware } from "./gsp-firmware.ts";
import { kernelPatchSet } from "./kernel-patch-set.ts";
import { osImage } from "./os-image.ts";
import { platform } from "./platform.ts";
import type { Rebuild } from "./rebuild.shape.ts";

export type { Rebuild } from "./rebuild.shape.ts";

/** Kinds of releases that can be built again: what consists of files that somebody builds. */
const REBUILT = [platform, osImage, kernelPatchSet, driverBuild, gspFirmware] as const;
export type RebuiltKind = (typeof REBUILT)[number]["kind"];
export const REBUILT_KINDS = REBUILT.map(({ kind }) => kind) as readonly RebuiltKind[];

export function isResultOfFields({ result, fields }: Pick<Rebuild, "result" | "fields">): boolean {
  const some = (outcome: string) => fields.some((field) => field.outcome === outcome);
  return (result === "equal") === (some("equal") && !some("differs"));
}

export const rebuild = releaseKind({
  kind: "rebuild",
  profile: null,
  // Of all kinds that it may refer to, the one that is published last.
  references: { of: osImage as { readonly kind: RebuiltKind } },
});
