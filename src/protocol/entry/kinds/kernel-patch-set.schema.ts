// Gives the schema of the kind kernel-patch-set (kernel-patch-set.ts).
import * as z from "zod";
import { gitCommit, sha256, text } from "../fields.schema.ts";
import { patchSeries } from "../patch-series.schema.ts";
import { file, releaseShape, toolchain } from "../release.schema.ts";

const configOption = z.strictObject({
  option: z.string().regex(/^CONFIG_[A-Za-z0-9_]{1,96}$/),
  required: z.enum(["set", "not-set"]).describe("set: any value but n; not-set: absent"),
  actual: text(256).nullable().describe("Value in the resolved config; null: not set"),
});

export const kernelPatchSet = z.strictObject({
  ...releaseShape,
  base: z.strictObject({
    name: text(128),
    version: text(128),
    sourceArchive: file.nullable(),
    commit: gitCommit.nullable(),
  }),
  kernelRelease: text(128)
    .nullable()
    .describe(
      "What `uname -r` says of the built kernel, read from its image; null: no image is among the outputs",
    ),
  patches: patchSeries,
  config: z
    .strictObject({
      sha256: sha256.describe("SHA-256 of the resolved .config"),
      options: z.array(configOption).max(256),
    })
    .nullable(),
  toolchain,
  outputs: z.array(file).max(64).describe("Built files, such as the kernel image"),
});
