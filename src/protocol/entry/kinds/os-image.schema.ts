// Gives the schema of the kind os-image (os-image.ts).
import * as z from "zod";
import { attachment } from "../attachment.schema.ts";
import { BOOT_PATHS, LAYOUTS } from "../boot.ts";
import {
  fileName,
  integer,
  positive,
  sha256,
  sha384,
  tdxRegister,
  text,
  time,
  uuid,
} from "../fields.schema.ts";
import { derivation, measuredEvent } from "../measured-event.schema.ts";
import { referenceTo } from "../reference.schema.ts";
import { releaseShape } from "../release.schema.ts";
import { driverBuild } from "./driver-build.ts";
import { kernelPatchSet } from "./kernel-patch-set.ts";
import { differInBoot, listsEventsOnce } from "./os-image.ts";

const rootfs = z.strictObject({
  format: z.literal("erofs"),
  sha256: sha256.describe("SHA-256 of the whole image file"),
  size: positive.describe("Length in bytes"),
  blockSize: positive.describe("Bytes"),
  uuid,
  buildTime: time.describe("Build time of the superblock"),
  features: z.array(text(64)).max(64).describe("Feature flags, unknown bits as hex"),
  mkfsArguments: z.array(text(256)).max(64),
  sourceDateEpoch: integer.nullable().describe("SOURCE_DATE_EPOCH of the build, seconds"),
});

const verity = z.strictObject({
  rootHash: z.string().regex(/^(?:[0-9a-f]{64}|[0-9a-f]{96}|[0-9a-f]{128})$/),
  algorithm: z.enum(["sha256", "sha384", "sha512"]),
  salt: z.string().regex(/^(?:[0-9a-f]{2}){0,256}$/),
  hashType: z.literal(1),
  dataBlockSize: positive.describe("Bytes"),
  hashBlockSize: positive.describe("Bytes"),
  dataBlocks: positive,
  uuid: uuid.nullable(),
});

const uki = z.strictObject({
  fileName,
  sha256,
  size: positive,
  authenticode: z
    .strictObject({ sha256, sha384 })
    .describe("Authenticode digests; RTMR1 measures the SHA-384"),
  sections: z
    .array(
      z.strictObject({ name: z.string().regex(/^[.A-Za-z0-9_$-]{1,8}$/), size: integer, sha256, sha384 }),
    )
    .max(96)
    .describe("Sections in file order, digests over VirtualSize bytes"),
  signatures: z
    .array(
      z.strictObject({ sha256: sha256.describe("Digest of the PKCS#7 blob"), subject: text(512).nullable() }),
    )
    .max(16),
});

const commandLine = z.strictObject({
  text: text(4096),
  measuredAs: sha384.describe(
    "SHA-384 of the UTF-16LE text with a final NUL, as the kernel's EFI stub measures it",
  ),
});

const efiVariable = z
  .strictObject({ sha256, eventSha384: sha384.describe("Digest of its EV_EFI_VARIABLE_DRIVER_CONFIG event") })
  .nullable();

const secureBoot = z.strictObject({
  enabled: z.boolean(),
  pk: efiVariable,
  kek: efiVariable,
  db: efiVariable,
  dbx: efiVariable,
});

const moduleSigning = z.strictObject({
  enforced: z.boolean(),
  certificates: z.array(sha256).max(16).describe("SHA-256 of each certificate that may sign modules"),
});

/** What one way of starting the image extends, under one layout of the firmware's events. */
const bootMeasurements = z
  .strictObject({
    bootPath: z.enum(BOOT_PATHS),
    layout: z.enum(LAYOUTS),
    rtmr1: tdxRegister,
    rtmr2: tdxRegister,
    derivation,
    from: text(512).describe("The event log or artefacts that they come from"),
    events: z.array(measuredEvent).max(128).nullable(),
    attachment: attachment.nullable().describe("The same list, where it does not fit"),
  })
  .refine(listsEventsOnce, { error: "events are listed or attached, not both" });

const measurements = z
  .array(bootMeasurements)
  .min(1)
  .max(8)
  .refine(differInBoot, { error: "one of the rows is of a boot path and layout that another has" });

/** Files of the root file system that other entries describe, found in it byte for byte. */
const contents = z
  .strictObject({
    checkedWith: text(64).describe("Program that unpacked the image"),
    files: z
      .array(
        z.strictObject({
          role: z.enum(["module", "library", "firmware"]),
          path: text(512).describe("Absolute path in the image"),
          sha256: sha256.describe("SHA-256 of the file as it is there"),
        }),
      )
      .max(128),
  })
  .nullable()
  .describe("Where the driver build and the GSP firmware are in the image; null: it was not checked");

export const removedFromTcb = z.strictObject({
  packages: z.array(text(128)).max(512),
  daemons: z.array(text(128)).max(512),
  kernelModules: z.array(text(128)).max(512),
});

export const osImage = z.strictObject({
  ...releaseShape,
  rootfs,
  verity,
  uki,
  commandLine,
  lockdown: z.enum(["none", "integrity", "confidentiality"]),
  secureBoot,
  moduleSigning,
  kernelPatchSet: referenceTo(kernelPatchSet),
  driverBuild: referenceTo(driverBuild),
  contents,
  measurements,
  removedFromTcb,
});
