// Looks entries up: the list, with filters and pages, and one entry with everything that is known of it.

import * as z from "zod";
import type { PublishedLog, ReadEntry } from "../../log/published-log.ts";
import type { SearchPage, SearchQuery } from "../../log/store/log-store.ts";
import { kind } from "../../protocol/entry/kinds.schema.ts";
import { contentJson, detailedEntry, entrySummary, summaryJson, treeSize } from "../entries/answer-shapes.ts";
import { coverageOf, readLoggedEntry, requirePublished, revokedBy } from "../entries/read-entry.ts";
import { cursor, decimal, hexDigest } from "../http/parameters.ts";
import { type Api, problems, route } from "../openapi.ts";
import type { Service } from "../service.ts";

const DEFAULT_LIMIT = 20;
export const pageLimit = decimal(1, 100).optional().describe(`Entries a page; ${DEFAULT_LIMIT} unless given`);
export const pageCursor = cursor
  .optional()
  .describe("The `next` of the page before: a string that means nothing else");

const filters = z.strictObject({
  kind: kind.optional(),
  name: z.string().max(128).optional().describe("Exact name"),
  version: z.string().max(128).optional().describe("Exact version"),
  digest: z
    .string()
    .regex(/^(?:sha256:[0-9a-f]{64}|sha384:[0-9a-f]{96}|sha512:[0-9a-f]{128})$/)
    .optional()
    .describe(
      "A digest that the entry names anywhere (subject, artefact, measured value), or that of its payload",
    ),
  publisher: hexDigest.optional().describe("Key id of a signer"),
  cursor: pageCursor,
  limit: pageLimit,
});

const listEntries = route({
  method: "get",
  path: "/v1/entries",
  operationId: "listEntries",
  tags: ["entries"],
  summary: "Find entries",
  description:
    "Newest first. All filters must match. A page may hold fewer entries than asked for, or none, though there is a next one: a search looks at so much of the log and no more, and the cursor goes on from there.",
  request: { query: filters },
  responses: {
    200: {
      description: "One page",
      content: {
        "application/json": {
          schema: z
            .strictObject({
              treeSize,
              entries: z.array(entrySummary),
              next: z.string().nullable().describe("Cursor of the next page; null on the last one"),
            })
            .meta({ id: "EntryPage" }),
        },
      },
    },
    ...problems("invalid-parameter", "not-found", "timed-out"),
  },
});

const getEntry = route({
  method: "get",
  path: "/v1/entries/{index}",
  operationId: "getEntry",
  tags: ["entries"],
  summary: "One entry",
  description:
    "Its envelope as it is logged, what is in it, since when it is public, and whether it is trusted still.",
  request: { params: z.object({ index: decimal().describe("Index of the entry") }) },
  responses: {
    200: { description: "The entry", content: { "application/json": { schema: detailedEntry } } },
    ...problems("invalid-parameter", "not-found", "beyond-tree", "timed-out"),
  },
});

export function addEntries(api: Api, service: Service): void {
  const { read: log } = service.log;

  api.openapi(listEntries, async (c) => {
    const { cursor, limit = DEFAULT_LIMIT, digest, ...filter } = c.req.valid("query");
    const { checkpoint } = requirePublished(log);
    const query = {
      ...filter,
      digest: digest?.split(":")[1],
      before: startOf(cursor, checkpoint.size),
      limit,
    };
    const { entries, next } = await findEntries(log, query);
    const summaries = entries.map((entry) => summaryJson(log, entry));
    return c.json({ treeSize: checkpoint.size, entries: summaries, next }, 200);
  });

  api.openapi(getEntry, async (c) => {
    const { index } = c.req.valid("param");
    const entry = await readLoggedEntry(log, index);
    const coveredBy = await coverageOf(log, entry.index);
    return c.json({ ...contentJson(entry), coveredBy, revokedBy: await revokedBy(log, entry) }, 200);
  });
}

export interface FoundEntries {
  readonly entries: ReadEntry[];
  readonly next: string | null;
}

/** What the index finds, and the entry whose payload has the digest, which the index does not hold. */
export async function findEntries(log: PublishedLog, filter: SearchQuery): Promise<FoundEntries> {
  const page = await log.search(filter);
  const indexes = new Set(page.indexes);
  const own = filter.digest?.length === 64 ? await log.findByDigest(filter.digest) : undefined;
  // It belongs to this page where the page reaches down to it.
  const matches =
    own !== undefined &&
    own.index < filter.before &&
    own.index >= (page.next ?? 0) &&
    (filter.kind ?? own.kind) === own.kind &&
    (filter.name ?? own.name) === own.name &&
    (filter.version ?? own.version) === own.version &&
    (filter.publisher === undefined || own.signers.includes(filter.publisher));
  if (matches) indexes.add(own.index);
  const newestFirst = [...indexes].sort((a, b) => b - a);
  const entries = await Promise.all(
    newestFirst.slice(0, filter.limit).map((index) => readLoggedEntry(log, index)),
  );
  const isCut = newestFirst.length > filter.limit;
  return { entries, next: isCut ? String(entries.at(-1)?.index) : cursorOf(page) };
}

/** Where a page starts: under the cursor, or at the newest entry. */
export function startOf(cursor: string | undefined, size: number): number {
  return Math.min(Number(cursor ?? size), size);
}

/** The cursor that continues a page. */
export function cursorOf({ next }: Pick<SearchPage, "next">): string | null {
  return next === null ? null : String(next);
}
