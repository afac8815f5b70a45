// Serves the first checkpoint over an entry that was published by an identity: proof of when the entry was there at the latest, which
// auditors and mirrors ask for (docs/formats.md, "Identity").
import * as z from "zod";
import { readLoggedEntry } from "../entries/read-entry.ts";
import { IMMUTABLE } from "../http/headers.ts";
import { decimal, readDecimal } from "../http/parameters.ts";
import { type Api, describeRoute, problems } from "../openapi.ts";
import { RequestProblem } from "../problem.ts";
import type { Service } from "../service.ts";

export function addConfirmations(api: Api, { log: { read: log } }: Service): void {
  describeRoute(api, {
    method: "get",
    path: "/v1/confirmations/{index}",
    operationId: "getConfirmation",
    tags: ["entries"],
    summary: "The checkpoint that confirms an entry with an identity",
    description:
      "The first published checkpoint over the entry, with the cosignatures that it had then. It confirms the entry where its quorum had cosigned within 300 s of the entry's recordedAt.",
    request: { params: z.object({ index: decimal().describe("Index of the entry") }) },
    responses: {
      200: {
        description: "A signed checkpoint with its cosignatures",
        content: { "text/plain": { schema: z.string() } },
      },
      ...problems("invalid-parameter", "not-found", "beyond-tree", "timed-out"),
    },
  });

  api.get("/v1/confirmations/:index", async (c) => {
    const index = readDecimal(c.req.param("index"), "index");
    const { envelope } = await readLoggedEntry(log, index);
    const covering = await log.firstCheckpointCovering(index + 1);
    if (envelope.recordedAt === null || covering === undefined)
      throw new RequestProblem("not-found", `entry ${index} was not published by an identity`);
    return c.text(covering.note, 200, {
      "content-type": "text/plain; charset=utf-8",
      "cache-control": IMMUTABLE,
    });
  });
}
