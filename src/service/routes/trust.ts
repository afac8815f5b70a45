// Serves what is in force: the trust root, the status and the revocations, each with the proof that it is logged.
import * as z from "zod";
import { positive, sha256 } from "../../protocol/entry/fields.schema.ts";
import { currentTrustRoot } from "../../protocol/registration/in-force.ts";
import { checkpointText, index, provenEntry, provenJson } from "../entries/answer-shapes.ts";
import { readLoggedEntry, requireCurrent, requirePublished } from "../entries/read-entry.ts";
import { type Api, problems, route } from "../openapi.ts";
import { RequestProblem } from "../problem.ts";
import type { Service } from "../service.ts";
import { cursorOf, pageCursor, pageLimit, startOf } from "./find-entries.ts";

const DEFAULT_LIMIT = 20;

const getTrustRoot = route({
  method: "get",
  path: "/v1/trust-root",
  operationId: "getTrustRoot",
  tags: ["policies"],
  summary: "The trust root in force",
  description: "Who may publish what, and who cosigns; with the index and digest of every version, for pins.",
  responses: {
    200: {
      description: "The newest trust root, and where all versions are",
      content: {
        "application/json": {
          schema: z
            .strictObject({
              checkpoint: checkpointText,
              entry: provenEntry,
              versions: z
                .array(z.strictObject({ version: positive, index, digest: sha256 }))
                .describe("Oldest first"),
            })
            .meta({ id: "TrustRootInForce" }),
        },
      },
    },
    ...problems("not-found", "timed-out"),
  },
});

const getStatus = route({
  method: "get",
  path: "/v1/status",
  operationId: "getStatus",
  tags: ["policies"],
  summary: "The newest status",
  description: "Everything in force, summarised and signed, until when that may be relied on.",
  responses: {
    200: {
      description: "The status",
      content: {
        "application/json": {
          schema: z
            .strictObject({ checkpoint: checkpointText, entry: provenEntry })
            .meta({ id: "StatusInForce" }),
        },
      },
    },
    ...problems("not-found", "behind", "timed-out"),
  },
});

const listRevocations = route({
  method: "get",
  path: "/v1/revocations",
  operationId: "listRevocations",
  tags: ["policies"],
  summary: "Revocations",
  description: "Newest first, each with its inclusion proof. What they name is never trusted again.",
  request: { query: z.strictObject({ cursor: pageCursor, limit: pageLimit }) },
  responses: {
    200: {
      description: "One page",
      content: {
        "application/json": {
          schema: z
            .strictObject({
              checkpoint: checkpointText,
              revocations: z.array(provenEntry),
              next: z.string().nullable().describe("Cursor of the next page; null on the last one"),
            })
            .meta({ id: "RevocationPage" }),
        },
      },
    },
    ...problems("invalid-parameter", "not-found", "timed-out"),
  },
});

export function addTrust(api: Api, { log: served }: Service): void {
  const { read: log } = served;
  /** An entry under the published checkpoint, as it was when the request came in. */
  const proven = async (entry: number, size: number) =>
    provenJson(log, await readLoggedEntry(log, entry), size);

  api.openapi(getTrustRoot, async (c) => {
    const { checkpoint, note, inForce } = requirePublished(log);
    const newest = currentTrustRoot(inForce);
    if (newest === undefined) throw new RequestProblem("not-found", "the log has no trust root yet");
    const versions = inForce.trustRoots.map(({ root, index: at, digest }) => ({
      version: root.version,
      index: at,
      digest,
    }));
    return c.json({ checkpoint: note, entry: await proven(newest.index, checkpoint.size), versions }, 200);
  });

  api.openapi(getStatus, async (c) => {
    requireCurrent(served);
    const { checkpoint, note, inForce } = requirePublished(log);
    if (inForce.status === null) throw new RequestProblem("not-found", "the log has no status yet");
    return c.json({ checkpoint: note, entry: await proven(inForce.status.index, checkpoint.size) }, 200);
  });

  api.openapi(listRevocations, async (c) => {
    const { cursor, limit = DEFAULT_LIMIT } = c.req.valid("query");
    const { checkpoint, note } = requirePublished(log);
    const before = startOf(cursor, checkpoint.size);
    const page = await log.search({ kind: "revocation", before, limit });
    const revocations = await Promise.all(page.indexes.map((entry) => proven(entry, checkpoint.size)));
    return c.json({ checkpoint: note, revocations, next: cursorOf(page) }, 200);
  });
}
