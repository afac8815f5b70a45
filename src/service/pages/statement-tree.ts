// Draws every value of a statement as a tree, whatever its kind: what the plain words leave out is here.
import { html } from "hono/html";
import type { Html } from "./frame.ts";

/** Longer lists are cut: the golden tables of firmware have hundreds of values, and the envelope below holds all of them. */
const MAX_ITEMS = 24;

export function statementTree(value: object): Html {
  return html`<dl class="tree">${Object.entries(value).map(([name, item]) => html`<div><dt>${name}</dt><dd>${valueHtml(item)}</dd></div>`)}</dl>`;
}

function valueHtml(value: unknown): Html {
  if (value === null) return html`<span class="dim">none</span>`;
  if (typeof value !== "object") return html`<code>${String(value)}</code>`;
  if (!Array.isArray(value)) return statementTree(value);
  if (value.length === 0) return html`<span class="dim">none</span>`;
  const more = value.length - MAX_ITEMS;
  return html`<ul>${value.slice(0, MAX_ITEMS).map((item) => html`<li>${valueHtml(item)}</li>`)}${more > 0 ? html`<li class="dim">… and ${more} more</li>` : ""}</ul>`;
}
