// Serves the page for people, and its style sheet.
import type { PublishedLog } from "../../log/published-log.ts";
import { encodeBase64 } from "../../protocol/encoding/base64.ts";
import type { StatementOf } from "../../protocol/envelope/statement.ts";
import { currentTrustRoot } from "../../protocol/registration/in-force.ts";
import type { Bundles } from "../bundles/bundle-cache.ts";
import { isEntryRevoked, readLoggedEntry } from "../entries/read-entry.ts";
import { NO_CACHE, PAGE_HEADERS } from "../http/headers.ts";
import type { Api } from "../openapi.ts";
import { type Overview, overviewPage } from "../pages/overview.ts";
import { PAGE_STYLE } from "../pages/style.ts";
import { RequestProblem } from "../problem.ts";
import type { Service } from "../service.ts";

const NEWEST = 12;

export function addOverview(api: Api, service: Service): void {
  const headers = { ...PAGE_HEADERS, "cache-control": NO_CACHE };
  const page = renderedOnce(service);
  api.get("/", async (c) => c.html(await page(), 200, headers));
  api.get("/page.css", (c) =>
    c.body(PAGE_STYLE, 200, {
      "content-type": "text/css; charset=utf-8",
      "cache-control": "public, max-age=3600",
    }),
  );
}

/** Renders the page at most once a second for each state of the log, however many ask for it. */
function renderedOnce(service: Service): () => Promise<string> {
  let last = { state: "", page: Promise.resolve("") };
  return () => {
    const { log, clock } = service;
    const second = Math.floor(clock().getTime() / 1000);
    const state = `${second}/${log.impediment()?.code}/${log.read.published()?.note}`;
    if (state === last.state) return last.page;
    const rendered = {
      state,
      page: overviewOf(service)
        .then((overview) => overviewPage(overview))
        .then(String),
    };
    rendered.page.catch(() => {
      if (last === rendered) last = { ...rendered, state: "" };
    });
    last = rendered;
    return rendered.page;
  };
}

async function overviewOf({ log, bundles, clock, version, origin }: Service): Promise<Overview> {
  const { read } = log;
  const published = read.published();
  const root = currentTrustRoot(read.inForce)?.root;
  return {
    origin,
    version,
    now: clock(),
    log: published && {
      size: published.checkpoint.size,
      root: encodeBase64(published.checkpoint.root),
      cosignedAt: published.cosignedAt,
      accepting: log.impediment() === null,
    },
    trustRoot: root === undefined ? null : { version: root.version, expires: root.expires },
    status: await statusOf(read),
    policies: await policiesOf(read, bundles),
    entries: await newestOf(read),
  };
}

async function statusOf(log: PublishedLog): Promise<Overview["status"]> {
  const { status } = log.inForce;
  if (status === null) return null;
  const { envelope } = await readLoggedEntry(log, status.index);
  return {
    sequence: status.sequence,
    expires: (envelope.statement as StatementOf<"status">).predicate.expires,
  };
}

function policiesOf(log: PublishedLog, bundles: Bundles): Promise<Overview["policies"]> {
  const sorted = [...log.inForce.policies].sort(([a], [b]) => (a < b ? -1 : 1));
  return Promise.all(
    sorted.map(async ([name, { version, index }]) => {
      const entry = await readLoggedEntry(log, index);
      const { expires } = (entry.envelope.statement as StatementOf<"policy">).predicate;
      return { name, version, expires, refused: await refusalOf(bundles.current(name)) };
    }),
  );
}

/** Why the service does not serve a bundle as current, in a word. */
async function refusalOf(bundle: Promise<unknown>): Promise<string | null> {
  try {
    await bundle;
    return null;
  } catch (error) {
    if (error instanceof RequestProblem) return error.fields.reason ?? error.code;
    throw error;
  }
}

async function newestOf(log: PublishedLog): Promise<Overview["entries"]> {
  const { indexes } = await log.search({ limit: NEWEST });
  return Promise.all(
    indexes.map(async (index) => {
      const entry = await readLoggedEntry(log, index);
      const { kind, name, version } = entry.envelope.statement;
      return { index, kind, name, version, revoked: isEntryRevoked(log, entry) };
    }),
  );
}
