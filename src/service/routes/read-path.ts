// Serves the read path: C2SP tlog-tiles at the root of the service. No middleware runs for it, full tiles are kept in memory.
import { LRUCache } from "lru-cache";
import * as z from "zod";
import { utf8 } from "../../protocol/encoding/text.ts";
import { MalformedError } from "../../protocol/errors.ts";
import { parseTilePath, TILE_WIDTH, type Tile } from "../../protocol/merkle/tile.ts";
import { requirePublished } from "../entries/read-entry.ts";
import { etagOf, matchesEtag } from "../http/encoded-body.ts";
import { IMMUTABLE, NO_CACHE, READ_HEADERS } from "../http/headers.ts";
import { oneATurn } from "../http/one-a-turn.ts";
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
/** Full tiles in memory, bytes: 2,048 of them. */
const KEPT_TILE_BYTES = 16 * 1024 * 1024;
/** Full entry bundles in memory, bytes: about 64. Auditors read each once, but several of them read side by side. */
const KEPT_BUNDLE_BYTES = 32 * 1024 * 1024;

export function addReadPath(api: Api, { log: { read: log }, metrics }: Service): void {
  const tiles = keeping(KEPT_TILE_BYTES);
  const bundles = keeping(KEPT_BUNDLE_BYTES);
  const nextTurn = oneATurn();
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
    const kept = tiles.get(path) ?? bundles.get(path);
    if (kept !== undefined) return new Response(kept, { headers: OBJECT_HEADERS });
    const tile = readPath(path);
    const bytes = await readObject(tile);
    if (tile.width === TILE_WIDTH) (tile.level === "entries" ? bundles : tiles).set(path, bytes);
    return new Response(bytes, { headers: OBJECT_HEADERS });
  });

  /** Refuses what the published tree does not have: a client that asks for it has an unverified checkpoint, or guesses. */
  async function readObject({ level, index, width }: Tile): Promise<Uint8Array<ArrayBuffer>> {
    // A bundle is half a megabyte out of 256 rows, two milliseconds: a turn of the event loop makes one.
    const bytes = await (level === "entries"
      ? nextTurn(() => log.entryBundle(index, width))
      : log.tile(level, index, width));
    if (bytes === undefined) {
      const size = log.published()?.checkpoint.size ?? 0;
      throw new RequestProblem("beyond-tree", `the published tree of ${size} entries has no such tile`);
    }
    return bytes as Uint8Array<ArrayBuffer>;
  }
}

function keeping(bytes: number): LRUCache<string, Uint8Array<ArrayBuffer>> {
  return new LRUCache({ maxSize: bytes, maxEntrySize: bytes / 8, sizeCalculation: ({ length }) => length });
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
  for (const [path, operationId, summary, params, answer] of tiles) {
    describeRoute(api, {
      method: "get",
      path,
      operationId,
      tags: ["read path"],
      summary,
      description:
        "C2SP tlog-tiles. A tile that the published tree does not have is not found, and that answer is not cached.",
      request: { params: z.object(params) },
      responses: octets(answer),
    });
  }
}
