// Writes Atom feeds (RFC 4287) of releases, policies and revocations, for those who want to be told.
import { html, raw } from "hono/html";
import type { Kind } from "../../protocol/entry/kinds.ts";
import type { Feed, Html, Site } from "./frame.ts";
import { wordsOf } from "./kinds/list.ts";

export interface FeedEntry {
  readonly index: number;
  readonly kind: Kind;
  readonly name: string;
  readonly version: string;
  /** What is said of it: a sentence, or the reason of a revocation. */
  readonly summary: string;
  readonly payloadDigest: string;
  /** RFC 3339: when it was logged. */
  readonly loggedAt: string;
}

/** @param entries newest first. @param updated RFC 3339, where there are none. */
export function atomFeed(
  { origin, url }: Site,
  feed: Feed,
  entries: readonly FeedEntry[],
  updated: string,
): Html {
  return html`${raw('<?xml version="1.0" encoding="utf-8"?>\n')}<feed xmlns="http://www.w3.org/2005/Atom">
<title>${feed} of ${origin}</title>
<id>${url}/feeds/${feed}.atom</id>
<link rel="self" type="application/atom+xml" href="${url}/feeds/${feed}.atom"/>
<link rel="alternate" type="text/html" href="${url}/"/>
<updated>${entries[0]?.loggedAt ?? updated}</updated>
<author><name>${origin}</name></author>
${entries.map(
  ({ index, kind, name, version, summary, payloadDigest, loggedAt }) => html`<entry>
<title>${wordsOf(kind).title} ${name} ${version}</title>
<id>urn:sha256:${payloadDigest}</id>
<link rel="alternate" type="text/html" href="${url}/entries/${index}"/>
<updated>${loggedAt}</updated>
<summary>${summary}</summary>
</entry>
`,
)}</feed>
`;
}
