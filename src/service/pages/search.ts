// Makes the page of search results, and says what a query was taken for.
import { html } from "hono/html";
import type { NamedEntry } from "../entries/read-entry.ts";
import { framed, type Html, type Site } from "./frame.ts";
import { searchForm } from "./home.ts";
import { wordsOf } from "./kinds/list.ts";

export interface SearchView {
  readonly query: string;
  /** What the query was taken for, in words; null when nothing was asked. */
  readonly takenFor: string | null;
  readonly entries: readonly NamedEntry[];
  /** Cursor of the next page, or null. */
  readonly next: string | null;
}

export function searchPage(site: Site, { query, takenFor, entries, next }: SearchView): Html {
  return framed(site, {
    title: query === "" ? "Search" : `Search: ${query}`,
    description: `Find entries of ${site.origin} by digest, measurement, name, key or index.`,
    depth: 0,
    scripts: ["drop-file"],
    main: html`<h1>Search</h1>
${searchForm("./", query)}
${takenFor === null ? "" : html`<section><h2>${entries.length === 0 ? "Nothing found" : "Found"}</h2><p class="dim">Looked for ${takenFor}.</p>${resultList(entries)}${nextLink(query, next)}${entries.length === 0 && next === null ? html`<p>Not in this log, as far as its index says. That is no proof of absence.</p>` : ""}</section>`}`,
  });
}

function resultList(entries: readonly NamedEntry[]): Html {
  return html`<ul class="rows">${entries.map(({ index, kind, name, version, revoked }) => html`<li><span class="dim">${wordsOf(kind).title}</span> <a href="entries/${index}">${name} ${version}</a> <span class="dim">entry ${index}</span>${revoked ? html` <strong class="bad">revoked</strong>` : ""}</li>`)}</ul>`;
}

function nextLink(query: string, next: string | null): Html {
  return next === null
    ? html``
    : html`<p><a href="search?q=${encodeURIComponent(query)}&cursor=${next}">older ones</a></p>`;
}
