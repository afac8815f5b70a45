// Publishing signed entries, together and in order: all of them are added, or none. Repeating it after any failure is safe, since the
// log answers a known payload with the entry that it has.
import * as z from "zod";
import { encodeBase64 } from "../../protocol/encoding/base64.ts";
import { equalBytes } from "../../protocol/encoding/bytes.ts";
import { decodeHex } from "../../protocol/encoding/hex.ts";
import { describeReference } from "../../protocol/entry/reference.ts";
import {
  type Envelope,
  envelopeFromJson,
  envelopeJson,
  envelopeToJson,
} from "../../protocol/envelope/dsse.ts";
import { VerificationError } from "../../protocol/errors.ts";
import { hashLeaf } from "../../protocol/merkle/hash.ts";
import { verifyInclusion } from "../../protocol/merkle/inclusion.ts";
import { parseCheckpoint } from "../../protocol/note/checkpoint.ts";
import { parseNote } from "../../protocol/note/signed-note.ts";
import type { TlogPolicy } from "../../protocol/note/tlog-policy.ts";
import { parseTlogProof, verifyTlogProof } from "../../protocol/note/tlog-proof.ts";
import { callLog, type LogClient } from "./log-client.ts";

/** The code of an answer of the log that is not one, or is about another entry. */
export type AnswerCode = "answer";

/** What the log said of one entry, checked. */
export interface PublishedEntry {
  readonly index: number;
  readonly treeSize: number;
  /** "known": the same payload was in the log before. */
  readonly outcome: "new" | "known";
  /** As it is in the log. A known entry may carry other signatures than the ones that were sent. */
  readonly envelope: Envelope;
  /** C2SP tlog-proof text for that envelope. */
  readonly proof: string;
}

const answerJson = z.object({
  index: z.int().min(0),
  leafHash: z.string().regex(/^[0-9a-f]{64}$/),
  treeSize: z.int().min(1),
  outcome: z.enum(["new", "known"]),
  envelope: envelopeJson,
  proof: z.string(),
});

/**
 * Publishes envelopes in their order, with the attachments that they name.
 * @param policy the log's tlog-policy: with it each proof's log signature and quorum are verified, without it only the hashes.
 * @throws PolicyError when the log refuses (nothing was added), UnreachableError, VerificationError when it answers something else
 *   than a proof of what was sent.
 */
export async function publish(
  client: LogClient,
  envelopes: readonly Envelope[],
  attachments: readonly Uint8Array[],
  policy: TlogPolicy | null,
): Promise<PublishedEntry[]> {
  const lines = [
    ...attachments.map((bytes) => JSON.stringify({ attachment: encodeBase64(bytes) })),
    ...envelopes.map((envelope) => JSON.stringify(envelopeToJson(envelope))),
  ];
  const response = await callLog(client, "/v1/entries/batch", {
    method: "POST",
    headers: { "content-type": "application/x-ndjson" },
    body: `${lines.join("\n")}\n`,
  });
  const answers = (await response.text()).trimEnd().split("\n");
  if (answers.length !== envelopes.length)
    throw new VerificationError<AnswerCode>(
      "answer",
      `the log answered ${answers.length} of ${envelopes.length} entries`,
    );
  return Promise.all(envelopes.map((envelope, i) => checkAnswer(envelope, answers[i] ?? "", policy)));
}

/** The answer must be about the payload that was sent, and its proof must hold. */
async function checkAnswer(sent: Envelope, line: string, policy: TlogPolicy | null): Promise<PublishedEntry> {
  const label = describeReference(sent.statement);
  const answer = answerJson.safeParse(parseLine(line));
  if (!answer.success)
    throw new VerificationError<AnswerCode>("answer", `${label}: the log's answer is not one`);
  const { index, leafHash, treeSize, outcome, proof: text } = answer.data;
  const envelope = envelopeFromJson(answer.data.envelope);
  const proof = parseTlogProof(text);
  const leaf = hashLeaf(envelope.leaf);
  if (
    envelope.payloadDigest !== sent.payloadDigest ||
    !equalBytes(leaf, decodeHex(leafHash)) ||
    proof.index !== index
  ) {
    throw new VerificationError<AnswerCode>("answer", `${label}: the log's answer is about another entry`);
  }
  if (policy !== null) await verifyTlogProof(proof, leaf, policy);
  else {
    const { size, root } = parseCheckpoint(parseNote(proof.checkpoint).text);
    verifyInclusion({ index, size, leafHash: leaf, root, proof: proof.proof });
  }
  return { index, treeSize, outcome, envelope, proof: text };
}

function parseLine(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return null;
  }
}
