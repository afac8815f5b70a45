// Makes the page of search results, and says what a query was taken for.
import { html } from "hono/html";
import type { Term } from "../../protocol/lookup/term.ts";
import type { NamedEntry } from "../entries/read-entry.ts";
import { framed, type Html, type Site } from "./frame.ts";
import { searchForm } from "./home.ts";
import { wordsOf } from "./kinds/list.ts";
import { pinForm } from "./pieces.ts";

export interface SearchView {
  readonly query: string;
  /** What the query was taken for, in words; null when nothing was asked. */
  readonly takenFor: string | null;
  readonly entries: readonly NamedEntry[];
  /** The same question to the index of the log; none where it has no index, or the query is none that it answers. */
  readonly terms: readonly Term[];
  /** Cursor of the next page, or null. */
  readonly next: string | null;
}

export function searchPage(site: Site, view: SearchView): Html {
  const { query, takenFor, terms } = view;
  return framed(site, {
    title: query === "" ? "Search" : `Search: ${query}`,
    description: `Find entries of ${site.origin} by digest, measurement, name, key or index.`,
    depth: 0,
    scripts: terms.length === 0 ? ["drop-file"] : ["drop-file", "prove"],
    main: html`<h1>Search</h1>
${searchForm("./", query)}
${takenFor === null ? "" : foundSection(view)}
${terms.length === 0 ? "" : proofSection(site, terms)}`,
  });
}

function foundSection({ query, takenFor, entries, next, terms }: SearchView): Html {
  const nothing = entries.length === 0 && next === null;
  return html`<section><h2>${entries.length === 0 ? "Nothing found" : "Found"}</h2><p class="dim">Looked for ${takenFor}.</p>${resultList(entries)}${nextLink(query, next)}${nothing ? html`<p>Not in this log, as far as its search says. ${terms.length === 0 ? "That is no proof of absence." : "That is no proof of absence; below is one."}</p>` : ""}</section>`;
}

/** What a search shows is the service's word; what the index proves is not. */
function proofSection({ url }: Site, terms: readonly Term[]): Html {
  const types = terms.map(({ type }) => type).join(" ");
  const commands = terms.map(
    ({ type, value }) => `touchstone lookup ${type} ${value} --to ${url} --trust trust-root.json`,
  );
  return html`<section id="check" data-types="${types}" data-value="${terms[0]?.value}"><h2>Prove it here</h2>
<p>The log's status has the root of an index. With it your browser can prove itself which entries have this, of those that the status covers: exactly these, or none. Statuses do not count, which name what others name before them. Give it a pin that you got elsewhere: without one it only shows that the log agrees with itself.</p>
<noscript><p class="notice">That needs JavaScript. The command below does the same on your machine.</p></noscript>
${pinForm("Prove it")}
<ol id="check-steps" aria-live="polite"></ol>
<p>On your own machine:</p>
<pre tabindex="0">${commands.join("\n")}</pre></section>`;
}

function resultList(entries: readonly NamedEntry[]): Html {
  return html`<ul class="rows">${entries.map(({ index, kind, name, version, revoked }) => html`<li><span class="dim">${wordsOf(kind).title}</span> <a href="entries/${index}">${name} ${version}</a> <span class="dim">entry ${index}</span>${revoked ? html` <strong class="bad">revoked</strong>` : ""}</li>`)}</ul>`;
}

function nextLink(query: string, next: string | null): Html {
  return next === null
    ? html``
    : html`<p><a href="search?q=${encodeURIComponent(query)}&cursor=${next}">older ones</a></p>`;
}
