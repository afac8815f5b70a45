// Gives the schema of the kind driver-build (driver-build.ts).
import * as z from "zod";
import { fileName, gitCommit, positive, sha256, sha384, text } from "../fields.schema.ts";
import { patchSeries } from "../patch-series.schema.ts";
import { referenceTo } from "../reference.schema.ts";
import { file, releaseShape, toolchain } from "../release.schema.ts";
import { kernelPatchSet } from "./kernel-patch-set.ts";

const kernelModule = z.strictObject({
  fileName,
  sha256: sha256.describe("SHA-256 of the file as shipped"),
  size: positive,
  uncompressedSha256: sha256.describe("SHA-256 of the uncompressed ELF file"),
  version: text(128).nullable(),
  srcversion: text(64).nullable(),
  vermagic: text(256),
  depends: z.array(text(64)).max(64),
  signer: text(256).nullable().describe("Signer name of the appended signature; null: not signed"),
});

/** The confidential-computing firmware image of GSP that is compiled into nvidia.ko. */
const ccFirmware = z.strictObject({
  foundIn: text(256).describe("Module or source file that holds it"),
  sha384,
  size: positive,
});

/** What a running host reports of itself: not proven by anything. */
const observation = z.strictObject({
  driverVersion: text(64),
  modules: z.array(z.strictObject({ name: text(64), srcversion: text(64).nullable() })).max(32),
  gpus: z
    .array(
      z.strictObject({
        product: text(128),
        vbiosVersion: text(64),
        gspFirmwareVersion: text(64).nullable(),
        ccState: text(64).nullable(),
      }),
    )
    .max(32),
  firmwareFiles: z.array(file).max(32),
});

export const driverBuild = z.strictObject({
  ...releaseShape,
  upstream: z.strictObject({ version: text(64), tag: text(128).nullable(), commit: gitCommit.nullable() }),
  patches: patchSeries,
  kernel: referenceTo(kernelPatchSet),
  vermagic: text(256),
  modules: z.array(kernelModule).min(1).max(32),
  libraries: z
    .array(file)
    .max(32)
    .describe("Libraries that gate confidential computing, libnvidia-pkcs11*.so"),
  toolchain,
  rim: z
    .strictObject({ id: text(128), sha256: sha256.nullable() })
    .nullable()
    .describe("Driver RIM that the GPU's measurements will match"),
  ccFirmware: z.array(ccFirmware).max(16),
  observed: observation.nullable().describe("As a host reported it; observed, not proven"),
});
