// Defines the kind gpu-rim: the golden measurements of a GPU driver or VBIOS. NVIDIA reuses RIM ids for different values, so the digest is
// the name.
import { canonicalDigest } from "../../envelope/canonical-digest.ts";
import { releaseKind } from "../kind.ts";
import type { GoldenTable } from "./gpu-rim.shape.ts";

export type { GoldenTable, GpuRim } from "./gpu-rim.shape.ts";

export function hasRisingIndices(table: GoldenTable): boolean {
  return table.every((row, i) => i === 0 || row.index > (table[i - 1]?.index ?? -1));
}

export function hasActiveIndex(table: GoldenTable): boolean {
  return table.some((row) => row.active);
}

/** Hex SHA-256 of the table's RFC 8785 form: the name of a set of golden values, which a RIM id is not. */
export function goldenTableDigest(table: GoldenTable): string {
  return canonicalDigest(table);
}

export const gpuRim = releaseKind({
  kind: "gpu-rim",
  profile: { member: "gpuRims", atMost: 16 },
  references: {},
  recompute: {
    "rim-table-differs": ({ table, tableDigest }) =>
      goldenTableDigest(table) === tableDigest ? null : "tableDigest is not the digest of the golden table",
  },
});
