// Finds what differs between two versions of a document, value by value, and draws it.
import { html } from "hono/html";
import type { Html } from "./frame.ts";
import { count } from "./pieces.ts";

export interface Difference {
  /** JSON pointer of the value. */
  readonly at: string;
  /** Null: it was not there. */
  readonly before: string | null;
  /** Null: it is not there any more. */
  readonly after: string | null;
}

/** More than this many are counted, not shown. */
const SHOWN = 40;

/** Every value that differs, in the order of the pointers. Lists are compared place by place. */
export function differences(before: unknown, after: unknown): Difference[] {
  const old = valuesOf(before);
  const now = valuesOf(after);
  return [...new Set([...old.keys(), ...now.keys()])]
    .map((at) => ({ at, before: old.get(at) ?? null, after: now.get(at) ?? null }))
    .filter((difference) => difference.before !== difference.after);
}

/** Every value that is no object and no list, by its JSON pointer. */
function valuesOf(json: unknown): Map<string, string> {
  const values = new Map<string, string>();
  const visit = (value: unknown, at: string): void => {
    if (typeof value !== "object" || value === null) values.set(at, String(value));
    else for (const [name, item] of Object.entries(value)) visit(item, `${at}/${name}`);
  };
  visit(json, "");
  return values;
}

export function differenceTable(found: readonly Difference[]): Html {
  if (found.length === 0) return html`<p>Nothing that it states differs.</p>`;
  const rows = found
    .slice(0, SHOWN)
    .map(
      ({ at, before, after }) =>
        html`<tr><td class="name"><code>${at}</code></td><td class="name">${before ?? html`<span class="dim">not there</span>`}</td><td class="name">${after ?? html`<span class="dim">gone</span>`}</td></tr>`,
    );
  const more = found.length - SHOWN;
  return html`<div class="scroll" tabindex="0"><table><thead><tr><th>Value</th><th>Before</th><th>Now</th></tr></thead><tbody>${rows}</tbody></table></div>${more > 0 ? html`<p class="dim">and ${count(more, "other value")}</p>` : ""}`;
}
