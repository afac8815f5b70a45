// Gives the schema of the kind gpu-rim (gpu-rim.ts).
import * as z from "zod";
import { sha256, sha384, text, time } from "../fields.schema.ts";
import { releaseShape } from "../release.schema.ts";
import { hasActiveIndex, hasRisingIndices } from "./gpu-rim.ts";

/** Golden table: RIM index i states what SPDM measurement block i + 1 must be. */
export const goldenTable = z
  .array(
    z.strictObject({
      index: z.int().min(0).max(63),
      active: z.boolean().describe("Only active indices are compared"),
      alternatives: z.array(sha384).min(1).max(64).describe("Any one of them matches"),
    }),
  )
  .min(1)
  .max(64)
  .refine(hasRisingIndices, { error: "indices must rise strictly" })
  .refine(hasActiveIndex, { error: "at least one index must be active" });

export const gpuRim = z.strictObject({
  ...releaseShape,
  rim: z.strictObject({
    id: text(128).describe("RIM id"),
    tagId: text(128),
    covers: z.enum(["driver", "vbios"]),
    componentVersion: text(64).describe("Driver or VBIOS version, as the GPU reports it"),
    sha256: sha256.describe("SHA-256 of the RIM file, byte for byte"),
    product: text(128).describe("Chip that the RIM states, such as GH100"),
  }),
  tableDigest: sha256.describe("SHA-256 of the RFC 8785 form of the table"),
  table: goldenTable,
  signers: z
    .array(z.strictObject({ subject: text(512), sha256, notBefore: time, notAfter: time }))
    .min(1)
    .max(8)
    .describe("Certificate chain, signer first"),
  verifiedAt: time.describe("Time at which signature and chain were checked"),
});
