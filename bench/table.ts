// The result for people: one Markdown table.
import type { Measurement, Spread } from "./harness.ts";

const COLUMNS = ["row", "what", "floor", "figure", "unit", "ratio", "target", "reached"];

export function formatTable(measurements: readonly Measurement[]): string {
  const rows = measurements.map(({ row, what, floor, figure, unit, ratio, target, reached }) => [
    row,
    what,
    floor === null ? "" : spread(floor),
    spread(figure),
    unit,
    ratio === null ? "" : spread(ratio),
    target,
    reached === null ? "" : reached ? "yes" : "**no**",
  ]);
  return [COLUMNS, COLUMNS.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

export function formatNotes(measurements: readonly Measurement[]): string {
  return measurements
    .filter(({ note }) => note !== "")
    .map(({ row, what, note }) => `- ${row}, ${what}: ${note}`)
    .join("\n");
}

/** The median, and the quartiles where there are any. */
function spread({ median, low, high }: Spread): string {
  return low === high ? number(median) : `${number(median)} [${number(low)}–${number(high)}]`;
}

function number(value: number): string {
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString("en");
  return value.toFixed(Math.abs(value) >= 10 ? 1 : 2);
}
