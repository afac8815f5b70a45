// Defines the kind rebuild: what somebody found who built a release again. It refers to one release and says of each of its fields whether the
// rebuilt files have the same value. Its builder is the rebuilder.
import * as z from "zod";
import { text } from "../fields.ts";
import { releaseKind } from "../kind.ts";
import { referenceTo } from "../reference.ts";
import { releaseShape, toolchain } from "../release.ts";
import { driverBuild } from "./driver-build.ts";
import { gspFirmware } from "./gsp-firmware.ts";
import { kernelPatchSet } from "./kernel-patch-set.ts";
import { osImage } from "./os-image.ts";
import { platform } from "./platform.ts";

/** Kinds of releases that can be built again: what consists of files that somebody builds. */
const REBUILT = [platform, osImage, kernelPatchSet, driverBuild, gspFirmware] as const;
export type RebuiltKind = (typeof REBUILT)[number]["kind"];
export const REBUILT_KINDS = REBUILT.map(({ kind }) => kind) as readonly RebuiltKind[];

const rebuilt = z.discriminatedUnion("kind", [
  referenceTo(platform),
  referenceTo(osImage),
  referenceTo(kernelPatchSet),
  referenceTo(driverBuild),
  referenceTo(gspFirmware),
]);

const comparedField = z.strictObject({
  field: text(256).describe("Such as uki.sha256 or modules[nvidia.ko]"),
  outcome: z.enum(["equal", "differs", "not-reproducible"]),
});

export const rebuild = releaseKind({
  kind: "rebuild",
  schema: z
    .strictObject({
      ...releaseShape,
      of: rebuilt.describe("The release that was built again"),
      toolchain,
      result: z.enum(["equal", "differs"]).describe("equal: some field is, and none differs"),
      fields: z.array(comparedField).min(1).max(512),
    })
    .refine(isResultOfFields, { error: "the result is not that of the fields" }),
  profile: null,
  // Of all kinds that it may refer to, the one that is published last.
  references: { of: osImage as { readonly kind: RebuiltKind } },
});
export type Rebuild = z.infer<typeof rebuild.schema>;

function isResultOfFields({
  result,
  fields,
}: {
  readonly result: "equal" | "differs";
  readonly fields: readonly z.infer<typeof comparedField>[];
}): boolean {
  const some = (outcome: string) => fields.some((field) => field.outcome === outcome);
  return (result === "equal") === (some("equal") && !some("differs"));
}
