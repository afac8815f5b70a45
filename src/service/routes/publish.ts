// Publishing: one envelope, or a batch that is added whole or not at all. What is answered with 200 or 201 is durable, in the tree and
// cosigned; with 202 it is durable and in the tree.
import type { Context } from "hono";
import * as z from "zod";
import { BatchRefusedError, LogUnavailableError } from "../../log/errors.ts";
import type { PublishOutcome } from "../../log/sequencing/sequencer.ts";
import { nativeSha256 } from "../../node/sha256.ts";
import { encodeHex } from "../../protocol/encoding/hex.ts";
import { decodeUtf8 } from "../../protocol/encoding/text.ts";
import { type Envelope, envelopeFromJson, MAX_LEAF_BYTES } from "../../protocol/envelope/dsse.ts";
import { parseJson } from "../../protocol/envelope/parse-json.ts";
import { formatTlogProof } from "../../protocol/note/tlog-proof.ts";
import { envelope as envelopeShape, index, leafHash, proofText, treeSize } from "../entries/answer-shapes.ts";
import { MAX_BATCH_BYTES, MAX_BATCH_LINES, readBatch, storeAttachments } from "../entries/read-batch.ts";
import { requirePublished } from "../entries/read-entry.ts";
import { chooseMediaType } from "../http/accept.ts";
import { readBody, requireMediaType } from "../http/request-body.ts";
import { requestHeader } from "../http/request-header.ts";
import { type Api, describeRoute, problems } from "../openapi.ts";
import { RequestProblem } from "../problem.ts";
import type { Service } from "../service.ts";

/** White space and another order of signatures may make an envelope longer than the leaf it becomes. */
const MAX_ENVELOPE_BYTES = 2 * MAX_LEAF_BYTES;
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

export function addPublishing(api: Api, service: Service): void {
  describePublishing(api);

  api.post("/v1/entries", async (c) => {
    requireMediaType(c, ["application/json", "application/vnd.dsse.envelope.v1+json"]);
    const envelope = readEnvelope(parseJson(await readBody(c, MAX_ENVELOPE_BYTES), MAX_ENVELOPE_BYTES));
    const [outcome] = await service.log.publish([envelope]);
    if (outcome === undefined) throw new Error("the log answered nothing");
    return answerOne(c, service, outcome);
  });

  api.post("/v1/entries/batch", async (c) => {
    requireMediaType(c, ["application/x-ndjson"]);
    const batch = readBatch(await readBody(c, MAX_BATCH_BYTES), readEnvelope);
    await storeAttachments(service.log, batch);
    const outcomes = await namingLines(batch.lines, () => service.log.publish(batch.envelopes));
    return answerBatch(c, service, outcomes);
  });

  // Without this a GET would be taken for the entry of the name "batch".
  api.all("/v1/entries/batch", (c) => {
    c.header("allow", "POST");
    throw new RequestProblem("method-not-allowed", "allowed here: POST");
  });
}

/** @throws RequestProblem "signature-missing" | "too-large", or what envelopeFromJson throws. */
function readEnvelope(json: unknown): Envelope {
  const { payload, signatures } = (json ?? {}) as { payload?: unknown; signatures?: unknown };
  if (Array.isArray(signatures) && signatures.length === 0) {
    throw new RequestProblem("signature-missing", "the envelope has no signature; sign it first", {
      pointer: "/signatures",
    });
  }
  if (typeof payload === "string" && payload.length > MAX_LEAF_BYTES) {
    throw new RequestProblem("too-large", `an entry has at most ${MAX_LEAF_BYTES} bytes; attach long lists`);
  }
  return envelopeFromJson(json, nativeSha256);
}

/** Turns a refusal of the nth envelope into one of its line; of a batch of one, too. */
async function namingLines(
  lines: readonly number[],
  publish: () => Promise<PublishOutcome[]>,
): Promise<PublishOutcome[]> {
  try {
    return await publish();
  } catch (error) {
    if (error instanceof LogUnavailableError) throw error;
    const refused = error instanceof BatchRefusedError ? error : new BatchRefusedError(0, error as Error);
    throw new BatchRefusedError((lines[refused.position] ?? 1) - 1, refused.cause);
  }
}

async function answerOne(c: Context, service: Service, outcome: PublishOutcome): Promise<Response> {
  if (outcome.state === "awaiting-cosignature")
    return awaiting(c, JSON.stringify(awaitingJson(outcome)), "application/json");
  const proof = await proofOf(service, outcome);
  const status = outcome.outcome === "new" ? 201 : 200;
  c.header("location", `${service.url}/v1/entries/${outcome.index}`);
  if (prefersText(c)) return c.text(proof.proof, status);
  return c.body(publishedText(outcome, proof), status, { "content-type": "application/json" });
}

async function answerBatch(
  c: Context,
  service: Service,
  outcomes: readonly PublishOutcome[],
): Promise<Response> {
  const isAwaiting = outcomes.some(({ state }) => state === "awaiting-cosignature");
  const answers = isAwaiting
    ? outcomes.map((outcome) => JSON.stringify(awaitingJson(outcome)))
    : await Promise.all(
        outcomes.map(async (outcome) => publishedText(outcome, await proofOf(service, outcome))),
      );
  const body = answers.map((answer) => `${answer}\n`).join("");
  if (isAwaiting) return awaiting(c, body, "application/x-ndjson");
  const isNew = outcomes.some(({ outcome }) => outcome === "new");
  return c.body(body, isNew ? 201 : 200, { "content-type": "application/x-ndjson" });
}

function awaiting(c: Context, body: string, type: string): Response {
  return c.body(body, 202, { "content-type": type, "retry-after": String(COSIGNATURE_RETRY) });
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
  return { treeSize: checkpoint.size, proof: formatTlogProof({ index, proof, checkpoint: note }) };
}

/** A PublishedEntry as JSON. The leaf is the envelope's canonical JSON, and was read when it was registered: it is put in as it is. */
function publishedText(
  { index, leafHash, outcome, leaf }: PublishOutcome,
  proof: Pick<PublishedEntry, "treeSize" | "proof">,
): string {
  const facts: Omit<PublishedEntry, "envelope"> = { index, leafHash: encodeHex(leafHash), outcome, ...proof };
  return `${JSON.stringify(facts).slice(0, -1)},"envelope":${decodeUtf8(leaf)}}`;
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
  "not-authorised",
  "key-revoked",
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
    description: `At most ${MAX_BATCH_LINES} lines, each an envelope, or an attachment that an envelope of the batch names: \`{"attachment": "<base64>"}\`. All are added in their order, or none: a problem names the line.`,
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
