// Checks in the reader's browser that one tree of the log begins with another one, unchanged.
import { decodeBase64 } from "../../../protocol/encoding/base64.ts";
import { encodeHex } from "../../../protocol/encoding/hex.ts";
import { verifyConsistency } from "../../../protocol/merkle/consistency.ts";
import { parseCheckpoint } from "../../../protocol/note/checkpoint.ts";
import { parseNote } from "../../../protocol/note/signed-note.ts";
import { element, find, messageOf, serviceRoot } from "./dom.ts";

const from = find("from", "input");
const to = find("to", "input");
const run = find("consistency-run", "button");
const result = find("consistency-result", "div");

find("consistency-form", "div").hidden = false;
run.addEventListener("click", () => void check());

interface Listed {
  readonly checkpoints: ReadonlyArray<{ readonly size: number; readonly checkpoint: string }>;
}

async function check(): Promise<void> {
  try {
    const [earlier, later] = [await treeFrom(from.value), await treeFrom(to.value)];
    if (earlier.size > later.size) throw new Error("the first size is above the second");
    const { proof } = await ask<{ proof: string[] }>(
      `v1/proofs/consistency?from=${earlier.size}&to=${later.size}`,
    );
    verifyConsistency({
      fromSize: earlier.size,
      fromRoot: earlier.root,
      toSize: later.size,
      toRoot: later.root,
      proof: proof.map(decodeBase64),
    });
    show(
      "good",
      `Consistent: the tree of ${later.size} entries begins with the ${earlier.size} entries of the other one, unchanged.`,
      `${encodeHex(earlier.root)} → ${encodeHex(later.root)}, by ${proof.length} hashes. The roots are those of published checkpoints; compare them with what you or a witness saw.`,
    );
  } catch (error) {
    show("bad", `Failed: ${messageOf(error)}`, "");
  }
}

/** The tree of the first published checkpoint of at least this size: only published trees have a signed root. */
async function treeFrom(text: string): Promise<{ size: number; root: Uint8Array }> {
  if (!/^[1-9][0-9]{0,15}$/.test(text.trim())) throw new Error(`${text} is no size`);
  const { checkpoints } = await ask<Listed>(`v1/checkpoints?size=${text.trim()}`);
  const [first] = checkpoints;
  if (first === undefined) throw new Error(`no checkpoint of ${text} entries or more is published`);
  const { size, root } = parseCheckpoint(parseNote(first.checkpoint).text);
  return { size, root };
}

async function ask<T>(path: string): Promise<T> {
  const answer = await fetch(`${serviceRoot()}${path}`);
  if (!answer.ok) throw new Error(`${path}: the service answered ${answer.status}`);
  return (await answer.json()) as T;
}

function show(state: "good" | "bad", title: string, detail: string): void {
  result.dataset.outcome = state;
  result.replaceChildren(element("p", `outcome ${state}`, title), element("p", "dim", detail));
}
