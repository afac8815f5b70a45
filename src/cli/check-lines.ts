// Writes checks and verdicts as lines for people: the answer first, then what differs, then how much was looked at.

import type { Verdict } from "../verifier/appraisal/verdict.ts";
import type { Check } from "../verifier/check-list.ts";

/** A verdict as a page: the answer, what it was judged by, and on rejection each check that differs. */
export function verdictLines({
  verdict,
  profile,
  policy,
  checkpoint,
  asOf,
  validUntil,
  checks,
  warnings,
  derivations,
}: Verdict): string[] {
  const good = verdict === "trusted";
  const facts: Array<[string, string]> = [
    [good ? "profile" : "nearest profile", profile ?? "none could be compared"],
    [
      "policy",
      policy === null ? "not verified" : `${policy.name} version ${policy.version}, entry ${policy.index}`,
    ],
    ["log", checkpoint === null ? "not verified" : `${checkpoint.origin} at size ${checkpoint.size}`],
    ["as of", asOf],
    ...(validUntil === null ? [] : [["good until", validUntil] as [string, string]]),
    ...(derivations === null ? [] : [["compared with", derivationText(derivations)] as [string, string]]),
  ];
  const width = Math.max(...facts.map(([name]) => name.length));
  return [
    verdict.toUpperCase(),
    "",
    ...facts.map(([name, value]) => `  ${name.padEnd(width)}  ${value}`),
    ...warningLines(warnings),
    ...checkLines(checks),
  ];
}

/** "mrtd computed, rtmr0 observed on a machine, …": how the registers came about that the quote was compared with. */
function derivationText(derivations: NonNullable<Verdict["derivations"]>): string {
  return Object.entries(derivations)
    .map(([name, how]) => `${name} ${how === "observed" ? "observed on a machine" : how}`)
    .join(", ");
}

/** One line each, below a heading; nothing where there are none. */
export function warningLines(warnings: readonly string[]): string[] {
  return warnings.length === 0 ? [] : ["", "warnings", ...warnings.map((warning) => `  ${warning}`)];
}

/** What failed, with what was expected by which entry and what was found; what was never evaluated; and the count of each part. */
export function checkLines(checks: readonly Check[]): string[] {
  const failed = checks.filter(({ outcome }) => outcome === "fail");
  const open = checks.filter(({ outcome }) => outcome === "not-evaluated");
  return [
    ...(failed.length === 0 ? [] : ["", "failed", ...failed.flatMap(failureLines)]),
    ...(open.length === 0 ? [] : ["", "not evaluated, because something before it failed", ...columns(open)]),
    "",
    "passed",
    ...partLines(checks),
  ];
}

function failureLines({ id, detail, expected, actual, entry }: Check): string[] {
  const by = entry === null ? "" : `  by ${entry}`;
  return [
    `  ${id}: ${detail}`,
    ...(expected === null ? [] : [`    expected  ${expected}${by}`]),
    ...(actual === null ? [] : [`    found     ${actual}`]),
  ];
}

/** Ids in lines of at most 110 characters. */
function columns(checks: readonly Check[]): string[] {
  const lines: string[] = [];
  for (const { id } of checks) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + id.length < 108) lines[lines.length - 1] = `${last}, ${id}`;
    else lines.push(`  ${id}`);
  }
  return lines;
}

/** "tdx  27 of 27": the part of a check is its id up to the first dot. */
function partLines(checks: readonly Check[]): string[] {
  const partOf = ({ id }: Check) => id.split(".", 1)[0] ?? id;
  const parts = [...new Set(checks.map(partOf))];
  const width = Math.max(0, ...parts.map((part) => part.length));
  return parts.map((part) => {
    const of = checks.filter((check) => partOf(check) === part);
    const passed = of.filter(({ outcome }) => outcome === "pass").length;
    return `  ${part.padEnd(width)}  ${String(passed).padStart(2)} of ${of.length}`;
  });
}
