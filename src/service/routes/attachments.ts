// Serves attachments by their digest. They come into the log with the entry that names them.
import * as z from "zod";
import { IMMUTABLE } from "../http/headers.ts";
import { hexDigest, requireHexDigest } from "../http/parameters.ts";
import { type Api, describeRoute, problems } from "../openapi.ts";
import { RequestProblem } from "../problem.ts";
import type { Service } from "../service.ts";

export function addAttachments(api: Api, { log: { read: log } }: Service): void {
  describeRoute(api, {
    method: "get",
    path: "/v1/attachments/sha256/{digest}",
    operationId: "getAttachment",
    tags: ["entries"],
    summary: "An attachment",
    description: "It is published in a batch, with the entry that names it.",
    request: { params: z.object({ digest: hexDigest.describe("SHA-256 of the attachment, hex") }) },
    responses: {
      200: { description: "An RFC 8785 JSON document", content: { "application/json": { schema: {} } } },
      ...problems("invalid-parameter", "not-found"),
    },
  });

  api.get("/v1/attachments/sha256/:digest", async (c) => {
    const digest = requireHexDigest(c.req.param("digest"));
    const bytes = await log.attachment(digest);
    if (bytes === undefined) throw new RequestProblem("not-found", `there is no attachment sha256:${digest}`);
    return c.body(bytes as Uint8Array<ArrayBuffer>, 200, {
      "content-type": "application/json",
      "cache-control": IMMUTABLE,
    });
  });
}
