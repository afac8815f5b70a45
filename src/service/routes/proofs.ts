// Serves proofs and the history of checkpoints.
import * as z from "zod";
import type { PublishedLog } from "../../log/published-log.ts";
import { encodeBase64 } from "../../protocol/encoding/base64.ts";
import { integer, positive, time } from "../../protocol/entry/fields.schema.ts";
import { formatTime } from "../../protocol/entry/fields.ts";
import { checkpointText, hash, index, leafHash, proofText, treeSize } from "../entries/answer-shapes.ts";
import { bufferOf, hashEncoder, proofFileText } from "../entries/proof-text.ts";
import { requirePublished } from "../entries/read-entry.ts";
import { NO_CACHE, READ_HEADERS } from "../http/headers.ts";
import { decimal, readDecimal, requireQuery, requireWithin } from "../http/parameters.ts";
import { type Api, describeRoute, problems, route } from "../openapi.ts";
import { RequestProblem } from "../problem.ts";
import type { Service } from "../service.ts";
import { prefersText } from "./publish-entries.ts";

const hashes = z.array(hash).max(63);

const inclusionProof = z
  .strictObject({
    index,
    treeSize,
    leafHash,
    proof: hashes.describe("Leaf's sibling first (RFC 9162 §2.1.3)"),
    checkpoint: checkpointText
      .nullable()
      .describe("The published checkpoint of that size; null where none was published at exactly that size"),
  })
  .meta({ id: "InclusionProof" });

interface AnsweredProof {
  readonly entry: number;
  readonly size: number;
  readonly leafHash: Uint8Array;
  readonly proof: readonly Uint8Array[];
  readonly checkpoint: string | null;
}

const PROOF_HEADERS = { ...READ_HEADERS, "cache-control": NO_CACHE, vary: "accept" };
const JSON_HEADERS = { ...PROOF_HEADERS, "content-type": "application/json" };
const TEXT_HEADERS = { ...PROOF_HEADERS, "content-type": "text/plain; charset=utf-8" };

/** Inclusion proofs are asked for often: no schema machinery and no middleware stand in their way. */
export function addInclusionProofs(api: Api, { log: { read: log }, metrics }: Service): void {
  const count = metrics.hotReads("inclusion-proof");
  const quote = createQuote();
  const encode = hashEncoder();
  describeInclusionProof(api);

  api.get("/v1/entries/:index/proof", async (c) => {
    count();
    requireQuery(c, ["size"]);
    const { checkpoint: newest, note } = requirePublished(log);
    const entry = readDecimal(c.req.param("index"), "index");
    const asked = c.req.query("size");
    const size = asked === undefined ? newest.size : readDecimal(asked, "size", 1);
    requireWithin(size, newest.size, `size ${size}`);
    requireWithin(entry + 1, size, `entry ${entry}`);
    const { leafHash, proof } = await log.proveLeaf(entry, size);
    const checkpoint = size === newest.size ? note : await checkpointOfSize(log, size);
    return prefersText(c)
      ? proofFile(entry, proof, checkpoint, size)
      : proofJson({ entry, size, leafHash, proof, checkpoint }, quote, encode);
  });
}

async function checkpointOfSize(log: PublishedLog, size: number): Promise<string | null> {
  const [first] = await log.checkpointsFrom(size, 1);
  return first?.size === size ? first.note : null;
}

function proofFile(
  entry: number,
  proof: readonly Uint8Array[],
  checkpoint: string | null,
  size: number,
): Response {
  if (checkpoint === null) {
    throw new RequestProblem(
      "not-found",
      `no checkpoint of size ${size} was published; a proof file needs one`,
    );
  }
  return new Response(proofFileText({ index: entry, proof, checkpoint }), { headers: TEXT_HEADERS });
}

/** Written by hand: hex and base64 need no escaping, and the checkpoint, which does, is the same for all. */
function proofJson(
  { entry, size, leafHash, proof, checkpoint }: AnsweredProof,
  quote: (text: string | null) => string,
  encode: (hashes: readonly Uint8Array[]) => string,
): Response {
  const json = `{"index":${entry},"treeSize":${size},"leafHash":"${bufferOf(leafHash).toString("hex")}","proof":[${encode(proof)}],"checkpoint":${quote(checkpoint)}}`;
  return new Response(json, { headers: JSON_HEADERS });
}

/** JSON of a text, remembering the last one. */
function createQuote(): (text: string | null) => string {
  let last: { readonly text: string | null; readonly json: string } = { text: null, json: "null" };
  return (text) => {
    if (text !== last.text) last = { text, json: asciiJson(text) };
    return last.json;
  };
}

/** JSON of a text in ASCII, one byte a character also in memory: Node measures and writes any other string several times as slowly. */
function asciiJson(text: string | null): string {
  const json = JSON.stringify(text).replace(
    /[^\0-\x7f]/g,
    (other) => `\\u${other.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  return Buffer.from(json, "latin1").toString("latin1");
}

const getConsistencyProof = route({
  method: "get",
  path: "/v1/proofs/consistency",
  operationId: "getConsistencyProof",
  tags: ["proofs"],
  summary: "Consistency proof between two tree sizes",
  description: "That the later tree holds the earlier one unchanged: nothing was rewritten in between.",
  request: {
    query: z.strictObject({
      from: decimal(1).describe("Size of the earlier tree"),
      to: decimal(1).optional().describe("Size of the later tree; the published one unless given"),
    }),
  },
  responses: {
    200: {
      description: "The proof",
      content: {
        "application/json": {
          schema: z
            .strictObject({ from: positive, to: positive, proof: hashes.describe("RFC 9162 §2.1.4") })
            .meta({ id: "ConsistencyProof" }),
        },
      },
    },
    ...problems("invalid-parameter", "not-found", "beyond-tree", "timed-out"),
  },
});

const MAX_CHECKPOINTS = 100;

const listCheckpoints = route({
  method: "get",
  path: "/v1/checkpoints",
  operationId: "listCheckpoints",
  tags: ["proofs"],
  summary: "History of published checkpoints",
  description: `Every cosigned checkpoint is kept for ever, renewals of the same size included. Oldest first, at most ${MAX_CHECKPOINTS}.`,
  request: {
    query: z.strictObject({ size: decimal().optional().describe("Only those of at least this size") }),
  },
  responses: {
    200: {
      description: "Checkpoints",
      content: {
        "application/json": {
          schema: z
            .strictObject({
              checkpoints: z.array(
                z.strictObject({ size: integer, cosignedAt: time, checkpoint: checkpointText }),
              ),
            })
            .meta({ id: "CheckpointHistory" }),
        },
      },
    },
    ...problems("invalid-parameter", "timed-out"),
  },
});

export function addProofs(api: Api, { log: { read: log } }: Service): void {
  api.openapi(getConsistencyProof, async (c) => {
    const { size } = requirePublished(log).checkpoint;
    const { from, to = size } = c.req.valid("query");
    requireWithin(to, size, `size ${to}`);
    requireWithin(from, size, `size ${from}`);
    if (from > to)
      throw new RequestProblem("invalid-parameter", "from: the earlier tree is not larger than `to`");
    const proof = await log.proveConsistency(from, to);
    return c.json({ from, to, proof: proof.map(encodeBase64) }, 200);
  });

  api.openapi(listCheckpoints, async (c) => {
    const found = await log.checkpointsFrom(c.req.valid("query").size ?? 0, MAX_CHECKPOINTS);
    const checkpoints = found.map(({ size, cosignedAt, note }) => ({
      size,
      cosignedAt: formatTime(new Date(cosignedAt * 1000)),
      checkpoint: note,
    }));
    return c.json({ checkpoints }, 200);
  });
}

function describeInclusionProof(api: Api): void {
  describeRoute(api, {
    method: "get",
    path: "/v1/entries/{index}/proof",
    operationId: "getInclusionProof",
    tags: ["proofs"],
    summary: "Inclusion proof of an entry",
    description: "`Accept: text/plain` answers with a proof file (C2SP tlog-proof).",
    request: {
      params: z.object({ index: decimal().describe("Index of the entry") }),
      query: z.object({
        size: decimal(1).optional().describe("Tree size to prove it in; the published one unless given"),
      }),
    },
    responses: {
      200: {
        description: "The proof",
        content: { "application/json": { schema: inclusionProof }, "text/plain": { schema: proofText } },
      },
      ...problems("invalid-parameter", "not-found", "beyond-tree"),
    },
  });
}
