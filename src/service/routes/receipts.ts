// Serves receipts (RFC 9942): proofs in COSE, signed by a key that the trust root lists, for readers that know no log of this kind.
import * as z from "zod";
import { RECEIPT_MEDIA_TYPE } from "../../protocol/cose/receipt.ts";
import { requirePublished } from "../entries/read-entry.ts";
import { IMMUTABLE, NO_CACHE, READ_HEADERS } from "../http/headers.ts";
import { decimal, readDecimal, requireQuery } from "../http/parameters.ts";
import { type Api, describeRoute, problems } from "../openapi.ts";
import { RequestProblem } from "../problem.ts";
import type { Service } from "../service.ts";

/** Like other proofs they are asked for often: no middleware stands in their way. */
export function addReceipts(api: Api, { log: { read: log }, receipts, metrics }: Service): void {
  const count = metrics.hotReads("receipt");
  describeReceipts(api);

  api.get("/v1/entries/:index/receipt", async (c) => {
    count();
    requireQuery(c, ["size"]);
    const index = readDecimal(c.req.param("index"), "index");
    const asked = c.req.query("size");
    const size = asked === undefined ? requirePublished(log).checkpoint.size : readDecimal(asked, "size", 1);
    return answer(await receipts.inclusion(index, size), asked !== undefined);
  });

  api.get("/v1/consistency.receipt", async (c) => {
    count();
    requireQuery(c, ["from", "to"]);
    const from = readDecimal(required(c.req.query("from"), "from"), "from", 1);
    const asked = c.req.query("to");
    const to = asked === undefined ? requirePublished(log).checkpoint.size : readDecimal(asked, "to", 1);
    return answer(await receipts.consistency(from, to), asked !== undefined);
  });
}

/** What names its sizes never changes; what is of the newest tree does. */
function answer(receipt: Uint8Array, named: boolean): Response {
  return new Response(receipt as Uint8Array<ArrayBuffer>, {
    headers: {
      ...READ_HEADERS,
      "content-type": RECEIPT_MEDIA_TYPE,
      "cache-control": named ? IMMUTABLE : NO_CACHE,
    },
  });
}

function required(text: string | undefined, parameter: string): string {
  if (text === undefined) throw new RequestProblem("invalid-parameter", `${parameter}: is missing`);
  return text;
}

const PROBLEMS = ["invalid-parameter", "not-found", "beyond-tree", "receipts-off", "no-receipt-key"] as const;
const receipt = {
  description: "COSE_Sign1 with the root detached",
  content: { "application/cose": { schema: z.string().openapi({ format: "binary" }) } },
};

function describeReceipts(api: Api): void {
  describeRoute(api, {
    method: "get",
    path: "/v1/entries/{index}/receipt",
    operationId: "getReceipt",
    tags: ["proofs"],
    summary: "Receipt of an entry",
    description:
      "The inclusion proof as RFC 9942 has it, for sizes that a published checkpoint has. It is by the log's operator alone: no witness signs it, and it has no time. Serve the checkpoint beside it.",
    request: {
      params: z.object({ index: decimal().describe("Index of the entry") }),
      query: z.object({
        size: decimal(1).optional().describe("Size of the tree; the published one unless given"),
      }),
    },
    responses: { 200: receipt, ...problems(...PROBLEMS) },
  });
  describeRoute(api, {
    method: "get",
    path: "/v1/consistency.receipt",
    operationId: "getConsistencyReceipt",
    tags: ["proofs"],
    summary: "Receipt that one tree is the beginning of another",
    description: "The consistency proof as RFC 9942 has it, where a published checkpoint has either size.",
    request: {
      query: z.object({
        from: decimal(1).describe("Size of the earlier tree"),
        to: decimal(1).optional().describe("Size of the later tree; the published one unless given"),
      }),
    },
    responses: { 200: receipt, ...problems(...PROBLEMS) },
  });
}
