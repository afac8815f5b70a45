// Defines the kind gpu-rim: the golden measurements of a GPU driver or VBIOS. NVIDIA reuses RIM ids for different values, so the digest is
// the name.
import * as z from "zod";
import { canonicalDigest } from "../../envelope/canonical-digest.ts";
import { sha256, sha384, text, time } from "../fields.ts";
import { releaseKind } from "../kind.ts";
import { releaseShape } from "../release.ts";

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
  .refine((table) => table.every((row, i) => i === 0 || row.index > (table[i - 1]?.index ?? -1)), {
    error: "indices must rise strictly",
  })
  .refine((table) => table.some((row) => row.active), { error: "at least one index must be active" });
export type GoldenTable = z.infer<typeof goldenTable>;

/** Hex SHA-256 of the table's RFC 8785 form: the name of a set of golden values, which a RIM id is not. */
export function goldenTableDigest(table: GoldenTable): string {
  return canonicalDigest(table);
}

export const gpuRim = releaseKind({
  kind: "gpu-rim",
  schema: z.strictObject({
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
  }),
  profile: { member: "gpuRims", atMost: 16 },
  references: {},
  recompute: {
    "rim-table-differs": ({ table, tableDigest }) =>
      goldenTableDigest(table) === tableDigest ? null : "tableDigest is not the digest of the golden table",
  },
});
export type GpuRim = z.infer<typeof gpuRim.schema>;
