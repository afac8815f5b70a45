// Shows what the verdict rests on. Text is only ever set as text: evidence is hostile, and so is every string in it.
import type { Verdict } from "touchstone/verifier";
import { element } from "./element.ts";

type Check = Verdict["checks"][number];

/** Each check that failed: what was expected, by which entry of the log, and what was found. */
export function differences({ checks }: Verdict): HTMLElement[] {
  return checks.filter(({ outcome }) => outcome === "fail").map(difference);
}

/** Every check, and the policy by which it was made. */
export function foundations({ checks, policy, checkpoint, asOf, validUntil }: Verdict): HTMLElement[] {
  const until = validUntil === null ? "" : ` It is good until ${utc(validUntil)} at most.`;
  return [
    element("ul", {}, ...checks.map(({ id, outcome }) => element("li", { className: outcome }, id))),
    element(
      "p",
      { className: "source" },
      `Policy ${policy?.name} version ${policy?.version}, entry ${policy?.index} of ${checkpoint?.origin} at size ${checkpoint?.size}. `,
      `Judged ${utc(asOf)}.${until}`,
    ),
  ];
}

export function countOf({ checks }: Verdict): string {
  const passed = checks.filter(({ outcome }) => outcome === "pass").length;
  return `${passed} of ${checks.length} checks passed`;
}

function difference({ id, detail, expected, actual, entry }: Check): HTMLElement {
  const rows = [
    ["expected", expected],
    ["found", actual],
    ["stated by", entry],
  ] as const;
  return element(
    "section",
    {},
    element("h3", {}, element("code", {}, id)),
    element("p", {}, detail),
    element(
      "dl",
      {},
      ...rows.flatMap(([name, value]) =>
        value === null ? [] : [element("dt", {}, name), element("dd", {}, element("code", {}, value))],
      ),
    ),
  );
}

function utc(time: string): string {
  return `${time.slice(0, 16).replace("T", " ")} UTC`;
}
