// Shows the verdict. Text is only ever set as text: evidence is hostile, and so is every string in it.
import type { Verdict } from "touchstone/verifier";
import { appraiseService } from "./appraise-service.ts";

type Check = Verdict["checks"][number];

const main = document.querySelector("main");
if (main === null) throw new Error("the page has no main");

try {
  const { verdict } = await appraiseService();
  showVerdict(main, verdict);
} catch (error) {
  // No bundle, no evidence, or a bundle that is refused: whatever the reason, nothing may be sent.
  show(main, "rejected", "Not trusted", error instanceof Error ? error.message : "failed");
}

function showVerdict(
  into: HTMLElement,
  { verdict, profile, policy, checkpoint, checks, asOf }: Verdict,
): void {
  const trusted = verdict === "trusted";
  const differing = checks.filter(({ outcome }) => outcome === "fail");
  show(
    into,
    verdict,
    trusted ? "Trusted" : "Not trusted",
    trusted
      ? `The machine matches profile “${profile}”. What is encrypted to its key can be read by it alone.`
      : `Nothing was sent. The nearest profile is “${profile}”: ${count(differing.length, "check")} failed.`,
  );
  into.append(...differing.map(difference));
  const passed = checks.filter(({ outcome }) => outcome === "pass").length;
  into.append(
    element(
      "details",
      {},
      element("summary", {}, `${passed} of ${checks.length} checks passed`),
      element("ul", {}, ...checks.map(({ id, outcome }) => element("li", { className: outcome }, id))),
    ),
    element(
      "footer",
      {},
      `Policy ${policy?.name} version ${policy?.version}, entry ${policy?.index} of ${checkpoint?.origin} at size ${checkpoint?.size}.`,
      element("br", {}),
      `As of ${asOf.slice(0, 19).replace("T", " ")} UTC.`,
    ),
  );
}

function show(into: HTMLElement, state: Verdict["verdict"], title: string, detail: string): void {
  document.body.dataset.verdict = state;
  into.replaceChildren(element("h1", {}, title), element("p", { className: "lead" }, detail));
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
    element("h2", {}, element("code", {}, id)),
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

function element<K extends keyof HTMLElementTagNameMap>(
  name: K,
  { className = "" }: { className?: string },
  ...children: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(name);
  if (className !== "") made.className = className;
  made.append(...children);
  return made;
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}
