// Finds which logged tables a GPU must match: one of its driver's and one of its VBIOS's, for its chip, among those that the policy allows.
// Where several are logged for one version (NVIDIA reissues RIMs with other values), the GPU must match one pair of them as a whole.
import type { GpuRim } from "../../protocol/entry/kinds/gpu-rim.ts";
import { goldenTableDigest } from "../../protocol/entry/kinds/gpu-rim.ts";
import type { CheckDetail } from "../check-list.ts";
import { compareGoldenTables, type GoldenComparison, type StatedTable } from "./compare-golden-tables.ts";
import type { GpuReport } from "./report.ts";

/** A logged gpu-rim entry and its name, "gpu-rim/name@version". */
export interface LoggedRim {
  readonly rim: GpuRim;
  readonly entry: string;
}

/**
 * Compares a report with every pair of usable tables and returns the best result: a match, or the nearest miss; null where no pair is logged.
 * @param chip as the certificate chain names it: a RIM for another chip is never used, whatever its id says.
 * @param allowed table digests that the policy allows.
 */
export function compareWithLogged(
  report: GpuReport,
  chip: string | null,
  rims: readonly LoggedRim[],
  allowed: readonly string[],
): GoldenComparison | null {
  const tables = (covers: "driver" | "vbios", version: string): StatedTable[] =>
    rims
      .filter(
        ({ rim }) => allowed.includes(rim.tableDigest) && goldenTableDigest(rim.table) === rim.tableDigest,
      )
      .filter(({ rim: { rim } }) => rim.covers === covers && rim.componentVersion === version)
      .filter(({ rim: { rim } }) => rim.product === chip)
      .map(({ rim, entry }) => ({ table: rim.table, entry }));
  const vbios = tables("vbios", report.vbiosVersion);
  const pairs = tables("driver", report.driverVersion).flatMap((driver) =>
    vbios.map((other) => [driver, other]),
  );
  const [first, ...rest] = pairs.map((pair) => compareGoldenTables(report, pair));
  if (first === undefined) return null;
  return rest.reduce((best, next) => (worth(next) > worth(best) ? next : best), first);
}

/** A match is worth more than any mismatch, and a near miss more than a far one. */
function worth({ matches, matched }: GoldenComparison): number {
  return matches ? Number.POSITIVE_INFINITY : matched;
}

/** What a comparison says, as a check states it: where it fails, the first index that differs and the entry that states it. */
export function describeComparison(found: GoldenComparison): CheckDetail & { detail: string } {
  const actual = `${found.matched}/${found.compared}`;
  const expected = `${found.compared}/${found.compared}`;
  if (found.matches) return { expected, actual, detail: "every active index matches" };
  if (found.conflicts.length > 0) {
    return { expected, actual, detail: `active in both tables: index ${found.conflicts.join(", ")}` };
  }
  const wrong = found.indices.filter(({ outcome }) => outcome === "mismatch");
  const [first] = wrong;
  return {
    expected: first?.expected.join(" or ") ?? expected,
    actual: first?.actual ?? "no such block",
    entry: first?.entry ?? null,
    detail: `${actual} match; index ${wrong.map(({ index }) => index).join(", ")} does not`,
  };
}
