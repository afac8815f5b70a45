// Serves Atom feeds and security.txt.
import type { PublishedLog } from "../../log/published-log.ts";
import { formatTime } from "../../protocol/entry/fields.ts";
import type { Kind } from "../../protocol/entry/kinds.ts";
import { RELEASE_KINDS } from "../../protocol/entry/release-kinds.ts";
import type { StatementOf } from "../../protocol/envelope/statement.ts";
import { coverageOf, readLoggedEntry } from "../entries/read-entry.ts";
import { BASE_HEADERS, NO_CACHE } from "../http/headers.ts";
import type { Api } from "../openapi.ts";
import { atomFeed, type FeedEntry } from "../pages/feeds.ts";
import { FEEDS, type Feed } from "../pages/frame.ts";
import { wordsOf } from "../pages/kinds/list.ts";
import { renderOnce } from "../pages/rendered-once.ts";
import { securityTxt } from "../pages/security-txt.ts";
import { RequestProblem } from "../problem.ts";
import type { Service } from "../service.ts";
import { describePage } from "./describe-page.ts";

/** Entries of a feed. */
const NEWEST = 30;

const KINDS_OF: Readonly<Record<Feed, readonly Kind[]>> = {
  releases: RELEASE_KINDS,
  policies: ["policy"],
  revocations: ["revocation"],
};

export function addFeeds(api: Api, service: Service): void {
  const { log, clock, operator, url } = service;
  const once = renderOnce<string>(service);
  describePage(api, {
    path: "/feeds/{feed}.atom",
    operationId: "getFeed",
    summary: "An Atom feed (RFC 4287), newest first",
    description: "The 30 newest; of a revocation the reason that was given.",
    type: "application/atom+xml",
    params: ["feed"],
  });
  describePage(api, {
    path: "/.well-known/security.txt",
    operationId: "getSecurityTxt",
    summary: "Where to report faults (RFC 9116)",
    description: "From `operator.security` of the configuration; not found where that is not stated.",
    type: "text/plain",
  });
  for (const [feed] of FEEDS) {
    const render = async () => {
      const entries = await entriesOf(log.read, KINDS_OF[feed]);
      return String(await atomFeed(service, feed, entries, formatTime(clock())));
    };
    api.get(`/feeds/${feed}.atom`, async (c) =>
      c.body(await once(feed, render), 200, {
        ...BASE_HEADERS,
        "content-type": "application/atom+xml; charset=utf-8",
        "cache-control": NO_CACHE,
      }),
    );
  }
  api.get("/.well-known/security.txt", (c) => {
    const text = securityTxt(operator, url, clock());
    if (text === null) throw new RequestProblem("not-found", "the operator states no contact for security");
    return c.body(text, 200, {
      ...BASE_HEADERS,
      "content-type": "text/plain; charset=utf-8",
      "cache-control": NO_CACHE,
    });
  });
}

/** The newest of several kinds, newest first. */
async function entriesOf(log: PublishedLog, kinds: readonly Kind[]): Promise<FeedEntry[]> {
  const pages = await Promise.all(kinds.map((kind) => log.search({ kind, limit: NEWEST })));
  const indexes = pages.flatMap((page) => page.indexes).sort((a, b) => b - a);
  return Promise.all(indexes.slice(0, NEWEST).map((index) => feedEntryOf(log, index)));
}

async function feedEntryOf(log: PublishedLog, index: number): Promise<FeedEntry> {
  const { envelope } = await readLoggedEntry(log, index);
  const { kind, name, version, predicate } = envelope.statement;
  const { cosignedAt } = await coverageOf(log, index);
  const summary =
    kind === "revocation"
      ? (predicate as StatementOf<"revocation">["predicate"]).reason
      : wordsOf(kind).sentence(predicate);
  return {
    index,
    kind,
    name,
    version,
    summary,
    payloadDigest: envelope.payloadDigest,
    loggedAt: cosignedAt,
  };
}
