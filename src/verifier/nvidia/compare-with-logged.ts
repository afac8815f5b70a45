// Finds which logged tables a device must match, among those that the policy allows: a GPU one of its driver's and one of its VBIOS's, for
// its chip; a switch one of its VBIOS's. Where several are logged for one version (NVIDIA reissues RIMs with other values), the device must
// match one pair, or one table, as a whole.

import { goldenTableDigest } from "../../protocol/entry/golden-table.ts";
import type { GpuRim } from "../../protocol/entry/kinds/gpu-rim.ts";
import type { SwitchRim } from "../../protocol/entry/kinds/switch-rim.ts";
import type { CheckDetail } from "../check-list.ts";
import { compareGoldenTables, type GoldenComparison, type StatedTable } from "./compare-golden-tables.ts";
import type { GpuReport } from "./report.ts";
import type { SwitchReport } from "./switch-report.ts";

/** A logged gpu-rim entry and its name, "gpu-rim/name@version". */
export interface LoggedRim {
  readonly rim: GpuRim;
  readonly entry: string;
}

/** A logged switch-rim entry and its name, "switch-rim/name@version". */
export interface LoggedSwitchRim {
  readonly rim: SwitchRim;
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
    usable(
      rims,
      allowed,
      ({ rim }) => rim.covers === covers && rim.componentVersion === version && rim.product === chip,
    );
  const vbios = tables("vbios", report.vbiosVersion);
  const pairs = tables("driver", report.driverVersion).flatMap((driver) =>
    vbios.map((other) => [driver, other]),
  );
  return best(pairs.map((pair) => compareGoldenTables(report, pair)));
}

/**
 * Compares a switch's report with every usable table and returns the best result, as above. What a RIM calls the chip is not compared: no
 * two kinds of switch have one VBIOS version and one table, and the table is allowed by its digest.
 */
export function compareSwitchWithLogged(
  report: SwitchReport,
  rims: readonly LoggedSwitchRim[],
  allowed: readonly string[],
): GoldenComparison | null {
  const tables = usable(rims, allowed, ({ rim }) => rim.componentVersion === report.vbiosVersion);
  return best(tables.map((table) => compareGoldenTables(report, [table])));
}

/** The tables of entries that the policy allows by digest, and that are about the device. */
function usable<Rim extends GpuRim | SwitchRim>(
  rims: ReadonlyArray<{ readonly rim: Rim; readonly entry: string }>,
  allowed: readonly string[],
  isAbout: (rim: Rim) => boolean,
): StatedTable[] {
  return rims
    .filter(({ rim }) => isAbout(rim) && allowed.includes(rim.tableDigest))
    .filter(({ rim }) => goldenTableDigest(rim.table) === rim.tableDigest)
    .map(({ rim, entry }) => ({ table: rim.table, entry }));
}

function best([first, ...rest]: readonly GoldenComparison[]): GoldenComparison | null {
  if (first === undefined) return null;
  return rest.reduce((most, next) => (worth(next) > worth(most) ? next : most), first);
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
    actual: first?.actual ?? "nothing",
    entry: first?.entry ?? null,
    detail: `${actual} match; index ${wrong.map(({ index }) => index).join(", ")} does not`,
  };
}
