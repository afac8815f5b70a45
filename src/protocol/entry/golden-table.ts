// Defines golden tables: what a device must measure, index by index, as NVIDIA's RIMs state it.
import { canonicalDigest } from "../envelope/canonical-digest.ts";
import type { GoldenTable } from "./golden-table.shape.ts";

export type { GoldenTable } from "./golden-table.shape.ts";

/** From here on an index is not one of a measurement block: less this, it is a type of opaque data (NVIDIA, Opaque Data RIM Attributes). */
export const FIRST_OPAQUE_INDEX = 0x1000;
/** A type has 16 bits. */
export const LAST_OPAQUE_INDEX = FIRST_OPAQUE_INDEX + 0xffff;

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

/** The finding of a release whose table is not the one that its digest names. */
export const tableDiffers = {
  "rim-table-differs": ({ table, tableDigest }: { table: GoldenTable; tableDigest: string }) =>
    goldenTableDigest(table) === tableDigest ? null : "tableDigest is not the digest of the golden table",
};
