// Serves the read path: C2SP tlog-tiles at the root of the service. No middleware runs for it, full tiles are kept in memory.
import type { Context } from "hono";
import { LRUCache } from "lru-cache";
import * as z from "zod";
import { utf8 } from "../../protocol/encoding/text.ts";
import { MalformedError } from "../../protocol/errors.ts";
import { parseTilePath, TILE_WIDTH, type Tile } from "../../protocol/merkle/tile.ts";
import { requirePublished } from "../entries/read-entry.ts";
import { acceptsCoding } from "../http/accept.ts";
import { etagOf, matchesEtag } from "../http/encoded-body.ts";
import { IMMUTABLE, NO_CACHE, READ_HEADERS } from "../http/headers.ts";
import { decimal, requireQuery } from "../http/parameters.ts";
import { requestHeader } from "../http/request-header.ts";
import { type Api, describeRoute, NOT_MODIFIED, problems } from "../openapi.ts";
import { RequestProblem } from "../problem.ts";
import type { Service } from "../service.ts";

const CHECKPOINT_HEADERS = {
  ...READ_HEADERS,
  "content-type": "text/plain; charset=utf-8",
  "cache-control": NO_CACHE,
};
const OBJECT_HEADERS = {
  ...READ_HEADERS,
  "content-type": "application/octet-stream",
  "cache-control": IMMUTABLE,
};
/** Full tiles in memory, bytes, of all logs of a process: 2,048 of them. */
const KEPT_TILE_BYTES = 16 * 1024 * 1024;
/** Clients and caches ask for a form of a bundle, of which there are two. */
const BUNDLE_HEADERS = { ...OBJECT_HEADERS, vary: "accept-encoding" };

/** By path and origin. */
export type TileMemory = LRUCache<string, Uint8Array<ArrayBuffer>>;

export function tileMemory(): TileMemory {
  return new LRUCache({
    maxSize: KEPT_TILE_BYTES,
    maxEntrySize: KEPT_TILE_BYTES / 8,
    sizeCalculation: ({ length }) => length,
  });
}

export function addReadPath(
  api: Api,
  { log: { read: log }, metrics, entryBundles, ...service }: Service,
): void {
  const { origin, memory } = service;
  const { tiles } = memory;
  const countCheckpoint = metrics.hotReads("checkpoint");
  const countTile = metrics.hotReads("tile");
  describeReadPath(api);

  const headersOf = checkpointHeaders();
  api.get("/checkpoint", (c) => {
    countCheckpoint();
    requireQuery(c, []);
    const { note } = requirePublished(log);
    const headers = headersOf(note);
    const isKnown = matchesEtag(requestHeader(c, "if-none-match"), headers.etag);
    return isKnown ? new Response(null, { status: 304, headers }) : new Response(note, { headers });
  });

  api.get("/tile/*", async (c) => {
    countTile();
    requireQuery(c, []);
    const path = c.req.path.slice(1);
    const key = `${path} ${origin}`;
    const kept = tiles.get(key);
    if (kept !== undefined) return new Response(kept, { headers: OBJECT_HEADERS });
    const { level, index, width } = readPath(path);
    if (level === "entries") return answerBundle(c, index, width);
    const bytes = requireObject(await log.tile(level, index, width)) as Uint8Array<ArrayBuffer>;
    if (width === TILE_WIDTH) tiles.set(key, bytes);
    return new Response(bytes, { headers: OBJECT_HEADERS });
  });

  /** As it is kept, unless the client does not say that it takes gzip. */
  async function answerBundle(c: Context, index: number, width: number): Promise<Response> {
    const bundle = requireObject(await entryBundles.get(index, width));
    const isGzip = acceptsCoding(requestHeader(c, "accept-encoding") ?? "", "gzip");
    const headers = { ...BUNDLE_HEADERS, etag: bundle.etags[isGzip ? "gzip" : "identity"] };
    if (matchesEtag(requestHeader(c, "if-none-match"), headers.etag))
      return new Response(null, { status: 304, headers });
    return isGzip
      ? new Response(bundle.gzipped, { headers: { ...headers, "content-encoding": "gzip" } })
      : new Response(await entryBundles.plain(bundle), { headers });
  }

  /** Refuses what the published tree does not have: a client that asks for it has an unverified checkpoint, or guesses. */
  function requireObject<T>(object: T | undefined): T {
    if (object !== undefined) return object;
    const size = log.published()?.checkpoint.size ?? 0;
    throw new RequestProblem("beyond-tree", `the published tree of ${size} entries has no such tile`);
  }
}

/** The header fields of a checkpoint; its entity tag is the digest of its bytes, taken once for each. */
function checkpointHeaders(): (note: string) => typeof CHECKPOINT_HEADERS & { readonly etag: string } {
  let last = { note: "", headers: { ...CHECKPOINT_HEADERS, etag: "" } };
  return (note) => {
    if (last.note !== note) last = { note, headers: { ...CHECKPOINT_HEADERS, etag: etagOf(utf8(note)) } };
    return last.headers;
  };
}

function readPath(path: string): Tile {
  try {
    return parseTilePath(path);
  } catch (error) {
    if (error instanceof MalformedError) throw new RequestProblem("not-found", error.message);
    throw error;
  }
}

const group = z
  .string()
  .regex(/^[0-9]{3}$/)
  .describe(
    "Number of the tile: three digits. From 1000 on it has more elements, x001/234, which this description cannot show",
  );
const level = decimal(0, 63).describe("Level of the tile");
const width = decimal(1, TILE_WIDTH - 1).describe("Width of a partial tile");

function describeReadPath(api: Api): void {
  const missing = problems("not-found", "beyond-tree");
  const octets = (description: string) => ({
    200: {
      description,
      headers: { "cache-control": { description: "Immutable", schema: { type: "string" as const } } },
      content: { "application/octet-stream": { schema: { type: "string" as const, format: "binary" } } },
    },
    ...missing,
  });
  describeRoute(api, {
    method: "get",
    path: "/checkpoint",
    operationId: "getCheckpoint",
    tags: ["read path"],
    summary: "The newest checkpoint",
    description: "Signed and cosigned note (C2SP tlog-checkpoint).",
    responses: {
      200: { description: "The checkpoint", content: { "text/plain": { schema: z.string() } } },
      ...NOT_MODIFIED,
      ...problems("not-found"),
    },
  });
  const tiles = [
    ["/tile/{level}/{number}", "getTile", "A full tile", { level, number: group }, "256 hashes of 32 bytes"],
    [
      "/tile/{level}/{number}.p/{width}",
      "getPartialTile",
      "A partial tile",
      { level, number: group, width },
      "`width` hashes of 32 bytes",
    ],
    [
      "/tile/entries/{number}",
      "getEntryBundle",
      "A full entry bundle",
      { number: group },
      "256 entries, each after its length as big-endian uint16",
    ],
    [
      "/tile/entries/{number}.p/{width}",
      "getPartialEntryBundle",
      "A partial entry bundle",
      { number: group, width },
      "`width` entries, each after its length as big-endian uint16",
    ],
  ] as const;
  const isBundle = (path: string) => path.startsWith("/tile/entries/");
  for (const [path, operationId, summary, params, answer] of tiles) {
    describeRoute(api, {
      method: "get",
      path,
      operationId,
      tags: ["read path"],
      summary,
      description: `C2SP tlog-tiles. A tile that the published tree does not have is not found, and that answer is not cached.${isBundle(path) ? " Sent with Content-Encoding gzip to clients that accept it." : ""}`,
      request: { params: z.object(params) },
      responses: isBundle(path) ? { ...octets(answer), ...NOT_MODIFIED } : octets(answer),
    });
  }
}
