// Publishes entries: one envelope, or a batch that is added whole or not at all. What is answered with 200 or 201 is durable, in the tree
// and cosigned; with 202 it is durable and in the tree.
import type { Context } from "hono";
import * as z from "zod";
import type { PublishOutcome } from "../../log/sequencing/sequencer.ts";
import { encodeHex } from "../../protocol/encoding/hex.ts";
import { envelope as envelopeShape, index, leafHash, proofText, treeSize } from "../entries/answer-shapes.ts";
import { proofFileText } from "../entries/proof-text.ts";
import { MAX_BATCH_BYTES, MAX_BATCH_LINES, readBatch } from "../entries/read-batch.ts";
import { requirePublished } from "../entries/read-entry.ts";
import { MAX_ENVELOPE_BYTES, readEnvelope } from "../entries/read-envelope.ts";
import { chooseMediaType } from "../http/accept.ts";
import { BodyBudget } from "../http/body-budget.ts";
import { BASE_HEADERS, NO_STORE } from "../http/headers.ts";
import { requireQuery } from "../http/parameters.ts";
import { readBody, readChunks, requireMediaType } from "../http/request-body.ts";
import { requestHeader } from "../http/request-header.ts";
import { type Api, describeRoute, problems } from "../openapi.ts";
import { RequestProblem } from "../problem.ts";
import type { Service } from "../service.ts";

/** Seconds after which the quorum may have come together. */
const COSIGNATURE_RETRY = 5;

const publishedEntry = z
  .strictObject({
    index,
    leafHash,
    treeSize,
    outcome: z.enum(["new", "known"]).describe("known: the same payload was in the log already"),
    envelope: envelopeShape.describe(
      "As it is logged; for a known entry with the signatures that it was logged with",
    ),
    proof: proofText,
  })
  .meta({ id: "PublishedEntry", description: "An entry that is in the log, and the proof of it" });

const awaitingEntry = z.strictObject({ index, state: z.literal("awaiting-cosignature") }).meta({
  id: "AwaitingEntry",
  description: "An entry that is durable and waits for the quorum; send it again for its proof",
});

/** What every answer carries, and no middleware adds. */
const WRITE_HEADERS = { ...BASE_HEADERS, "cache-control": NO_STORE };

const CLOSING_BRACE = Buffer.from("}");
const NEW_LINE = Buffer.from("\n");

/** Bytes of all bodies that are under way in a process: two of the largest batches. */
const MAX_BODY_BYTES = 2 * MAX_BATCH_BYTES;

export function bodyBudget(): BodyBudget {
  return new BodyBudget(MAX_BODY_BYTES);
}

export function addPublishing(api: Api, service: Service): void {
  const { bodies } = service.memory;
  describePublishing(api);

  api.post("/v1/entries", async (c) => {
    requireQuery(c, []);
    requireMediaType(c, ["application/json", "application/vnd.dsse.envelope.v1+json"]);
    const envelope = readEnvelope(await readBody(c, MAX_ENVELOPE_BYTES, bodies));
    const [outcome] = await service.log.publish([envelope]);
    if (outcome === undefined) throw new Error("the log answered nothing");
    return answerOne(c, service, outcome);
  });

  api.post("/v1/entries/batch", async (c) => {
    requireQuery(c, []);
    requireMediaType(c, ["application/x-ndjson"]);
    const held = bodies.open();
    try {
      const lines = readBatch(readChunks(c, MAX_BATCH_BYTES, held));
      return await answerBatch(c, service, await service.log.publish(lines));
    } finally {
      held.release();
    }
  });
}

/** Without this a GET would be taken for the entry of the name "batch". */
export function refuseReadingBatch(api: Api): void {
  api.all("/v1/entries/batch", (c) => {
    c.header("allow", "POST");
    throw new RequestProblem("method-not-allowed", "allowed here: POST");
  });
}

async function answerOne(c: Context, service: Service, outcome: PublishOutcome): Promise<Response> {
  if (outcome.state === "awaiting-cosignature")
    return awaiting(c, JSON.stringify(awaitingJson(outcome)), "application/json");
  const proof = await proofOf(service, outcome);
  const status = outcome.outcome === "new" ? 201 : 200;
  const headers = { ...WRITE_HEADERS, location: `${service.url}/v1/entries/${outcome.index}` };
  return prefersText(c)
    ? c.body(proof.proof, status, { ...headers, "content-type": "text/plain; charset=UTF-8" })
    : c.body(publishedJson(outcome, proof), status, { ...headers, "content-type": "application/json" });
}

async function answerBatch(
  c: Context,
  service: Service,
  outcomes: readonly PublishOutcome[],
): Promise<Response> {
  if (outcomes.some(({ state }) => state === "awaiting-cosignature")) {
    const lines = outcomes.map((outcome) => `${JSON.stringify(awaitingJson(outcome))}\n`);
    return awaiting(c, lines.join(""), "application/x-ndjson");
  }
  const answers = await Promise.all(
    outcomes.map(async (outcome) => publishedJson(outcome, await proofOf(service, outcome))),
  );
  const body = Buffer.concat(answers.flatMap((answer) => [answer, NEW_LINE]));
  const isNew = outcomes.some(({ outcome }) => outcome === "new");
  return c.body(body, isNew ? 201 : 200, { ...WRITE_HEADERS, "content-type": "application/x-ndjson" });
}

function awaiting(c: Context, body: string, type: string): Response {
  const headers = { ...WRITE_HEADERS, "content-type": type, "retry-after": String(COSIGNATURE_RETRY) };
  return c.body(body, 202, headers);
}

function awaitingJson({ index }: PublishOutcome): z.infer<typeof awaitingEntry> {
  return { index, state: "awaiting-cosignature" };
}

type PublishedEntry = z.infer<typeof publishedEntry>;

async function proofOf(
  { log: { read: log } }: Service,
  { index }: PublishOutcome,
): Promise<Pick<PublishedEntry, "treeSize" | "proof">> {
  const { checkpoint, note } = requirePublished(log);
  const proof = await log.proveInclusion(index, checkpoint.size);
  return { treeSize: checkpoint.size, proof: proofFileText({ index, proof, checkpoint: note }) };
}

/** A PublishedEntry as JSON. The leaf is the envelope's canonical JSON, and was read when it was registered: its bytes are put in as they are. */
function publishedJson(
  { index, leafHash, outcome, leaf }: PublishOutcome,
  proof: Pick<PublishedEntry, "treeSize" | "proof">,
): Buffer<ArrayBuffer> {
  const facts: Omit<PublishedEntry, "envelope"> = { index, leafHash: encodeHex(leafHash), outcome, ...proof };
  const head = Buffer.from(`${JSON.stringify(facts).slice(0, -1)},"envelope":`);
  return Buffer.concat([head, leaf, CLOSING_BRACE]);
}

/** Whether the client prefers the bare proof file to JSON. */
export function prefersText(c: Context): boolean {
  return chooseMediaType(requestHeader(c, "accept"), ["application/json", "text/plain"]) === "text/plain";
}

const REFUSED = problems(
  "malformed",
  "signature-missing",
  "signature-unknown-key",
  "signature-invalid",
  "token-invalid",
  "not-authorised",
  "key-revoked",
  "identity-refused",
  "token-used",
  "identity-taken",
  "wrong-origin",
  "wrong-predecessor",
  "trust-root-not-first",
  "too-large",
  "unsupported-media-type",
  "invalid-entry",
  "document-expired",
  "document-ahead-of-clock",
  "attachment-missing",
  "below-svn-floor",
  "lifetime-too-long",
  "profile-incoherent",
  "recorded-at-wrong",
  "reference-missing",
  "reference-revoked",
  "reference-wrong",
  "revocation-target",
  "status-capacity",
  "status-not-true",
  "successor-not-true",
  "trust-root-not-usable",
  "too-many-requests",
  "queue-full",
  "quorum-lost",
  "storage-failed",
  "no-leader",
  "log-stopped",
  "log-closed",
  "shutting-down",
  "timed-out",
);

const retryAfter = {
  "retry-after": { description: "Seconds to wait", schema: { type: "integer" as const } },
};
const one = { "application/json": { schema: publishedEntry }, "text/plain": { schema: proofText } };
const lines = (description: string) => ({
  "application/x-ndjson": { schema: z.string().describe(description) },
});

function describePublishing(api: Api): void {
  describeRoute(api, {
    method: "post",
    path: "/v1/entries",
    operationId: "publishEntry",
    tags: ["entries"],
    summary: "Publish an entry",
    description:
      "The same payload again is answered with the entry that is logged, whatever its signatures. `Accept: text/plain` answers with the proof file alone.",
    request: {
      body: {
        required: true,
        content: { "application/json": { schema: { $ref: "#/components/schemas/Envelope" } } },
      },
    },
    responses: {
      200: { description: "It was in the log already", content: one },
      201: { description: "It is in the log now", content: one },
      202: {
        description: "It is durable, but the quorum is late",
        headers: retryAfter,
        content: { "application/json": { schema: awaitingEntry } },
      },
      ...REFUSED,
    },
  });
  describeRoute(api, {
    method: "post",
    path: "/v1/entries/batch",
    operationId: "publishBatch",
    tags: ["entries"],
    summary: "Publish entries together",
    description: `At most ${MAX_BATCH_LINES} lines and ${MAX_BATCH_BYTES / 1024 / 1024} MiB, which four attachments of 16 MiB fit into with their envelopes. A line is an envelope, or an attachment that an envelope before it names: \`{"attachment": "<base64>"}\`. All are added in their order, the attachments with the entry that names them, or nothing is: a problem names the line. Lines are checked as they arrive, and the first that is refused ends the reading.`,
    request: { body: { required: true, content: lines("One envelope or attachment a line") } },
    responses: {
      200: {
        description: "All were in the log already",
        content: lines("One PublishedEntry a line for each envelope, in order"),
      },
      201: {
        description: "All are in the log now",
        content: lines("One PublishedEntry a line for each envelope, in order"),
      },
      202: {
        description: "All are durable, but the quorum is late",
        headers: retryAfter,
        content: lines("One AwaitingEntry a line for each envelope, in order"),
      },
      ...REFUSED,
    },
  });
}
