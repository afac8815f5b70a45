// Draws what every page shares: head, navigation and foot. Every link is relative, so that a path prefix in front of the service works;
// everything that comes from the log is escaped by hono/html.
import { html } from "hono/html";
import type { PageScript } from "./scripts.ts";

export type Html = ReturnType<typeof html>;

/** What every page must know of the service. */
export interface Site {
  readonly origin: string;
  readonly version: string;
  /** Where clients reach the service, for links that leave the page: feeds, previews and commands. No slash at the end. */
  readonly url: string;
}

export interface Page {
  readonly title: string;
  /** One sentence, for previews of a link. */
  readonly description: string;
  /** Segments of the page's path below the root: 0 for `/` and `/log`, 1 for `/entries/5`. */
  readonly depth: number;
  /** Scripts of `/scripts/`, by name, in order. The page says everything that it says without them, too. */
  readonly scripts?: readonly PageScript[];
  readonly main: Html;
}

/** The path from a page to the root of the service, with a slash at the end. */
export function toRoot(depth: number): string {
  return depth === 0 ? "./" : "../".repeat(depth);
}

export function framed(site: Site, { title, description, depth, scripts = [], main }: Page): Html {
  const root = toRoot(depth);
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title} · ${site.origin}</title>
<meta name="description" content="${description}">
<meta property="og:type" content="website">
<meta property="og:title" content="${title}">
<meta property="og:site_name" content="${site.origin}">
<meta property="og:description" content="${description}">
<link rel="icon" href="data:,">
<link rel="stylesheet" href="${root}page.css">
${FEEDS.map(([name, label]) => html`<link rel="alternate" type="application/atom+xml" title="${label}" href="${root}feeds/${name}.atom">\n`)}${scripts.map((name) => html`<script type="module" src="${root}scripts/${name}.js"></script>\n`)}</head>
<body data-root="${root}">
<a class="skip" href="#main">Skip to content</a>
<header>
<p class="brand"><a href="${root}"><span class="stone" aria-hidden="true"></span>Touchstone</a></p>
<nav aria-label="Pages"><a href="${root}search">Search</a><a href="${root}log">Log</a><a href="${root}docs">API</a></nav>
</header>
<main id="main">
${main}
</main>
<footer>
<p>Touchstone ${site.version} · <a href="${root}openapi.yaml">openapi.yaml</a> · <a href="${root}readyz">ready?</a> · feeds: ${FEEDS.map(([name, label], i) => html`${i > 0 ? ", " : ""}<a href="${root}feeds/${name}.atom">${label}</a>`)}</p>
<p>Nothing on this page comes from outside ${site.origin}. It is a view: what proves anything is the log, checked with a pin that you did not get from here.</p>
</footer>
</body>
</html>`;
}

/** Feeds by the name of their file, with what stands in them. */
export const FEEDS = [
  ["releases", "releases"],
  ["policies", "policies"],
  ["revocations", "revocations"],
] as const;
export type Feed = (typeof FEEDS)[number][0];

/** A page for a problem: what happened, in the words of the API. */
export function problemPage(site: Site, depth: number, title: string, detail: string): Html {
  return framed(site, {
    title,
    description: detail,
    depth,
    main: html`<h1>${title}</h1><p class="lead">${detail}</p><p><a href="${toRoot(depth)}search">Search the log</a></p>`,
  });
}
