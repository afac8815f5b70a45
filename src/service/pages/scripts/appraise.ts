// Holds a file that the reader drops on the page of a policy against that policy, in the browser.
import { parsePolicyBundle } from "../../../protocol/bundle/policy-bundle.ts";
import { prepareAppraisal } from "../../../verifier/appraisal/appraise.ts";
import { fetchBundle } from "../../../verifier/bundle/fetch-policy.ts";
import { type VerifiedBundle, verifyBundle } from "../../../verifier/bundle/verify-bundle.ts";
import type { Check } from "../../../verifier/check-list.ts";
import type { FileAppraisal } from "./appraise-file.ts";
import { element, find, messageOf, serviceRoot } from "./dom.ts";

const section = find("evidence", "section");
const chosen = find("evidence-file", "input");
const result = find("evidence-result", "div");
const policy = section.dataset.policy ?? "";

find("evidence-form", "div").hidden = false;
chosen.addEventListener("change", () => void appraise(chosen.files?.[0]));
section.addEventListener("dragover", (event) => event.preventDefault());
section.addEventListener("drop", (event) => {
  event.preventDefault();
  void appraise(event.dataTransfer?.files[0]);
});

async function appraise(file: File | undefined): Promise<void> {
  if (file === undefined) return;
  section.dataset.outcome = "running";
  result.replaceChildren(element("p", "dim", "Appraising…"));
  try {
    const now = new Date();
    // What judges the file arrives while the log is being asked.
    const [bundle, bytes, { appraiseFile }] = await Promise.all([
      currentPolicy(now),
      file.arrayBuffer(),
      import("./appraise-file.ts"),
      prepareAppraisal(),
    ]);
    show(await appraiseFile(bundle, new Uint8Array(bytes), { now }));
  } catch (error) {
    section.dataset.outcome = "failed";
    result.replaceChildren(element("p", "outcome bad", `It cannot be appraised: ${messageOf(error)}`));
  }
}

/** The bundle as every verifier fetches and checks it, but from the log's own word for its first trust root: a page has no pin. */
async function currentPolicy(now: Date): Promise<VerifiedBundle> {
  const url = serviceRoot();
  const bytes = await fetchBundle({ url, name: policy, fetch: (input, init) => fetch(input, init) });
  const { origin, trustRoots } = parsePolicyBundle(bytes);
  const digest = trustRoots[0]?.envelope.payloadDigest ?? "";
  return verifyBundle(bytes, { pin: { origin, version: 1, digest }, policy, now, remembered: null });
}

const OUTCOMES = ["fail", "pass", "not-evaluated"] as const;
const WORDS = { fail: "failed", pass: "passed", "not-evaluated": "not made" } as const;

function show({ what, profile, checks, notShown }: FileAppraisal): void {
  const count = (outcome: Check["outcome"]) => checks.filter((check) => check.outcome === outcome).length;
  const matches = count("fail") === 0 && count("pass") > 0;
  section.dataset.outcome = matches ? "matches" : "differs";
  result.replaceChildren(
    element(
      "p",
      `outcome ${matches ? "unsure" : "bad"}`,
      `${matches ? "Nothing in it differs from" : "It differs from"} profile ${profile ?? "?"}: taken for ${what}. ${OUTCOMES.map((outcome) => `${count(outcome)} ${WORDS[outcome]}`).join(", ")}.`,
    ),
    element("p", "dim", notShown),
    ...OUTCOMES.map((outcome) => groupOf(outcome, checks)),
  );
}

function groupOf(outcome: Check["outcome"], checks: readonly Check[]): HTMLElement {
  const some = checks.filter((check) => check.outcome === outcome);
  const details = element(
    "details",
    "",
    element("summary", "", `${some.length} ${WORDS[outcome]}`),
    element("ul", "checks", ...some.map(lineOf)),
  );
  details.open = outcome === "fail";
  return details;
}

function lineOf({ id, detail, expected, actual, entry }: Check): HTMLElement {
  const rows = [
    ["expected", expected],
    ["found", actual],
    ["stated by", entry],
  ] as const;
  return element(
    "li",
    "",
    element("code", "", id),
    detail === "" ? "" : ` ${detail}`,
    ...rows.flatMap(([name, value]) =>
      value === null ? [] : [element("div", "dim", `${name}: `, element("code", "", value))],
    ),
  );
}
