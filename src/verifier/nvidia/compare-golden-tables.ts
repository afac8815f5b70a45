// Compares a GPU's measurement blocks with logged golden tables (NVIDIA RIMs): driver and VBIOS tables together, active indices only.
// Rules as in NVIDIA attestation-sdk, verify.cpp: index i states block i + 1, and any one of the alternatives matches.
import { encodeHex } from "../../protocol/encoding/hex.ts";
import type { GoldenTable } from "../../protocol/entry/kinds/gpu-rim.ts";
import type { GpuReport } from "./report.ts";

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
  /** Digests that would match, hex. */
  readonly expected: readonly string[];
  /** The block's digest, hex; null where the report has no such block. */
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

/** Compares every active index of the tables with the report. A block that the report lacks is a mismatch. */
export function compareGoldenTables(
  report: Pick<GpuReport, "blocks" | "nvdec0">,
  tables: readonly StatedTable[],
): GoldenComparison {
  const rows = tables
    .flatMap(({ table, entry }) => table.filter((row) => row.active).map((row) => ({ ...row, entry })))
    .sort((a, b) => a.index - b.index);
  const conflicts = rows.filter((row, i) => row.index === rows[i + 1]?.index).map((row) => row.index);
  const indices = rows.map(({ index, alternatives, entry }): IndexResult => {
    const block = report.blocks.get(index + 1);
    const actual = block === undefined ? null : encodeHex(block);
    const found = actual !== null && alternatives.includes(actual) ? "match" : "mismatch";
    const skipped = index === NVDEC0_INDEX && report.nvdec0 === "off";
    return { index, outcome: skipped ? "skipped" : found, expected: alternatives, actual, entry };
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
