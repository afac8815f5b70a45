// Gives the schema of the kind rebuild (rebuild.ts).
import * as z from "zod";
import { text } from "../fields.schema.ts";
import { referenceTo } from "../reference.schema.ts";
import { releaseShape, toolchain } from "../release.schema.ts";
import { driverBuild } from "./driver-build.ts";
import { gspFirmware } from "./gsp-firmware.ts";
import { kernelPatchSet } from "./kernel-patch-set.ts";
import { osImage } from "./os-image.ts";
import { platform } from "./platform.ts";
import { isResultOfFields } from "./rebuild.ts";

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

export const rebuild = z
  .strictObject({
    ...releaseShape,
    of: rebuilt.describe("The release that was built again"),
    toolchain,
    result: z.enum(["equal", "differs"]).describe("equal: some field is, and none differs"),
    fields: z.array(comparedField).min(1).max(512),
  })
  .refine(isResultOfFields, { error: "the result is not that of the fields" });
