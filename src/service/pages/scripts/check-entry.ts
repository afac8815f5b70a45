// Checks the entry of this page in the reader's browser, and draws each step as it is made.
import { encodeHex } from "../../../protocol/encoding/hex.ts";
import type { TlogProof } from "../../../protocol/note/tlog-proof.ts";
import { element, find, messageOf } from "./dom.ts";
import { checkEntry, type Progress } from "./entry-proof.ts";
import { fetchBytes } from "./fetch-logged.ts";
import { type Pin, readPin } from "./read-pin.ts";
import { walk } from "./walk.ts";

const section = find("check", "section");
const steps = find("check-steps", "ol");
const path = find("check-path", "figure");
const pinText = find("pin", "input");
const pinFile = find("pin-file", "input");
const run = find("check-run", "button");

find("check-form", "div").hidden = false;
run.addEventListener("click", () => void check());

async function check(): Promise<void> {
  run.disabled = true;
  steps.replaceChildren();
  path.hidden = true;
  section.dataset.outcome = "running";
  let pin: Pin | null = null;
  try {
    pin = await readPin(pinText, pinFile);
    await checkEntry(Number(section.dataset.index), pin, fetchBytes, new Date(), progress());
    section.dataset.outcome = pin === null ? "unpinned" : "verified";
    finish(
      pin === null
        ? "The log agrees with itself. Give a pin that you got elsewhere: without one, a false log could agree with itself, too."
        : "Verified from your pin: this entry is in the log, signed by those who were allowed to, and not revoked.",
      pin === null ? "unsure" : "good",
    );
  } catch (error) {
    section.dataset.outcome = "failed";
    steps.lastElementChild?.classList.replace("running", "fail");
    finish(`Failed: ${messageOf(error)}. Do not trust what this page says of the entry.`, "bad");
  } finally {
    run.disabled = false;
  }
}

function finish(text: string, state: "good" | "unsure" | "bad"): void {
  steps.append(element("li", `outcome ${state}`, text));
}

function progress(): Progress {
  let current = element("li", "");
  return {
    begin(title) {
      current = element("li", "running", element("strong", "", title));
      steps.append(current);
    },
    done({ found }) {
      current.classList.replace("running", "pass");
      current.append(...found.map((line) => element("div", "dim", line)));
    },
    path: drawPath,
  };
}

/** The path from the leaf to the root: at each level the sibling that the log gave, and on which side it stands. */
function drawPath(proof: TlogProof, leafHash: Uint8Array, size: number): void {
  const list = element(
    "ol",
    "walk",
    ...walk(proof.index, size, leafHash, proof.proof).map(({ side, sibling, node }) =>
      element(
        "li",
        "",
        sibling === null ? "leaf " : `with its ${side} sibling `,
        ...(sibling === null ? [] : [element("code", "", short(sibling)), " makes "]),
        element("code", "node", short(node)),
      ),
    ),
  );
  path.replaceChildren(
    element("figcaption", "", `The path from the leaf to the root of ${size} entries`),
    list,
  );
  path.hidden = false;
}

function short(hash: Uint8Array): string {
  return `${encodeHex(hash).slice(0, 16)}…`;
}
