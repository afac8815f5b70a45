// Compares what a GPU or switch measured with logged golden tables (NVIDIA RIMs): a GPU's driver and VBIOS tables together, active indices
// only. Rules as in NVIDIA attestation-sdk, verify.cpp: index i states block i + 1, and any one of the alternatives matches; an index of
// opaque data sets a floor for the security version number that the device states under that type.
import { encodeHex } from "../../protocol/encoding/hex.ts";
import { FIRST_OPAQUE_INDEX, type GoldenTable } from "../../protocol/entry/golden-table.ts";
import type { GpuReport } from "./report.ts";
import type { SpdmReport } from "./spdm-report.ts";

/** Index of the NVDEC0 measurement: it means nothing while that engine is off. */
const NVDEC0_INDEX = 35;

/** A table and the entry that states it, as "kind/name@version"; null when it comes from a file. */
export interface StatedTable {
  readonly table: GoldenTable;
  readonly entry: string | null;
}

export interface IndexResult {
  readonly index: number;
  readonly outcome: "match" | "mismatch" | "skipped";
  /** Digests that would match, hex; or the floor of a security version number. */
  readonly expected: readonly string[];
  /** The block's digest, hex, or the number; null where the report has no such block or number. */
  readonly actual: string | null;
  readonly entry: string | null;
}

export interface GoldenComparison {
  /** Whether something was compared, all of it matched, and no index is active in two tables. */
  readonly matches: boolean;
  readonly matched: number;
  /** Indices that were compared: active ones that were not skipped. */
  readonly compared: number;
  /** Indices active in more than one table: NVIDIA calls that an error, since two authors then state one block. */
  readonly conflicts: readonly number[];
  /** One result for every active index, in rising order. */
  readonly indices: readonly IndexResult[];
}

/** What of a report is compared: a switch has no NVDEC, and states no security version numbers. */
type Measured = Pick<SpdmReport, "blocks"> & Partial<Pick<GpuReport, "nvdec0" | "svns">>;

/** Compares every active index of the tables with the report. What the report lacks is a mismatch. */
export function compareGoldenTables(report: Measured, tables: readonly StatedTable[]): GoldenComparison {
  const rows = tables
    .flatMap(({ table, entry }) => table.filter((row) => row.active).map((row) => ({ ...row, entry })))
    .sort((a, b) => a.index - b.index);
  const conflicts = rows.filter((row, i) => row.index === rows[i + 1]?.index).map((row) => row.index);
  const indices = rows.map(({ entry, ...row }): IndexResult => {
    const { index } = row;
    const skipped = index === NVDEC0_INDEX && report.nvdec0 === "off";
    const { expected, actual, matches } = compareRow(report, row);
    return { index, outcome: skipped ? "skipped" : matches ? "match" : "mismatch", expected, actual, entry };
  });
  const compared = indices.filter((row) => row.outcome !== "skipped").length;
  const matched = indices.filter((row) => row.outcome === "match").length;
  return {
    matches: compared > 0 && matched === compared && conflicts.length === 0,
    matched,
    compared,
    conflicts: [...new Set(conflicts)],
    indices,
  };
}

function compareRow({ blocks, svns }: Measured, row: GoldenTable[number]) {
  if ("minSvn" in row) {
    const svn = svns?.get(row.index - FIRST_OPAQUE_INDEX) ?? null;
    const matches = svn !== null && svn >= row.minSvn;
    return { expected: [`at least ${row.minSvn}`], actual: svn === null ? null : String(svn), matches };
  }
  const block = blocks.get(row.index + 1);
  const actual = block === undefined ? null : encodeHex(block);
  return {
    expected: row.alternatives,
    actual,
    matches: actual !== null && row.alternatives.includes(actual),
  };
}
