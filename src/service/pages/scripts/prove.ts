// Has the reader's browser prove what a search found: exactly these entries, or none (docs/formats.md, "Lookup").
import { LOOKUP_MEDIA_TYPE, parseLookupAnswer } from "../../../protocol/lookup/lookup-answer.ts";
import { type VerifiedLookup, verifyLookup } from "../../../verifier/lookup/verify-lookup.ts";
import { element, find, messageOf } from "./dom.ts";
import { fetchBytes } from "./fetch-logged.ts";
import { type Pin, readPin } from "./read-pin.ts";

const section = find("check", "section");
const result = find("check-steps", "ol");
const run = find("check-run", "button");

find("check-form", "div").hidden = false;
run.addEventListener("click", () => void prove());

async function prove(): Promise<void> {
  run.disabled = true;
  section.dataset.outcome = "running";
  try {
    const pin = await readPin(find("pin", "input"), find("pin-file", "input"));
    const proven = await proveAll(pin);
    section.dataset.outcome = pin === null ? "unpinned" : "verified";
    show(
      `${pin === null ? "The log agrees with itself" : "Proven from your pin"}: ${inWords(proven)}`,
      pin === null ? "unsure" : "good",
    );
  } catch (error) {
    section.dataset.outcome = "failed";
    show(`Failed: ${messageOf(error)}. Do not trust what this page found.`, "bad");
  } finally {
    run.disabled = false;
  }
}

interface Proven extends Pick<VerifiedLookup, "indices" | "isComplete" | "size"> {}

/** Of all terms that the search was about, as of what the statuses of all the answers cover. */
async function proveAll(pin: Pin | null): Promise<Proven> {
  const { types = "", value = "" } = section.dataset;
  const answers = await Promise.all(types.split(" ").map((type) => proveOne(type, value, pin)));
  const size = Math.min(...answers.map((answer) => answer.size));
  const found = new Set(answers.flatMap(({ indices }) => indices));
  return {
    indices: [...found].filter((index) => index < size).sort((a, b) => a - b),
    isComplete: answers.every(({ isComplete }) => isComplete),
    size,
  };
}

/** @param given null: the log's own word for its first trust root is taken, which shows only that the log agrees with itself. */
async function proveOne(type: string, value: string, given: Pin | null): Promise<VerifiedLookup> {
  const bytes = await fetchBytes(`v1/lookup/${type}/${encodeURIComponent(value)}`, LOOKUP_MEDIA_TYPE);
  const { origin, trustRoots } = parseLookupAnswer(bytes);
  const own = { version: 1, digest: trustRoots[0]?.envelope.payloadDigest ?? "" };
  const pin = { origin, ...(given ?? own) };
  return verifyLookup(bytes, { pin, type, value, now: new Date(), remembered: null });
}

function inWords({ indices, isComplete, size }: Proven): string {
  const which = isComplete ? "exactly these" : "the newest of many";
  return indices.length === 0
    ? `none of the first ${size} entries.`
    : `of the first ${size} entries ${which}: ${indices.join(", ")}.`;
}

function show(text: string, state: "good" | "unsure" | "bad"): void {
  result.replaceChildren(element("li", `outcome ${state}`, text));
}
