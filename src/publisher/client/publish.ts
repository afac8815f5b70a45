// Publishing signed entries, together and in order: all of them are added, or none. Repeating it after any failure is safe, since the
// log answers a known payload with the entry that it has.
import * as z from "zod";
import { encodeBase64 } from "../../protocol/encoding/base64.ts";
import { equalBytes } from "../../protocol/encoding/bytes.ts";
import { decodeHex } from "../../protocol/encoding/hex.ts";
import { readAs } from "../../protocol/encoding/shape.ts";
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
import { type AnswerCode, callLog, type LogClient, parseAnswer, readAnswer, textOf } from "./log-client.ts";

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
 * @throws RefusedError when the log refuses (nothing was added), UnreachableError, VerificationError when it answers something else
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
  const answers = (await textOf(response)).trimEnd().split("\n");
  if (answers.length !== envelopes.length)
    throw new VerificationError<AnswerCode>(
      "answer",
      `the log answered ${answers.length} of ${envelopes.length} entries`,
    );
  return Promise.all(
    envelopes.map((envelope, i) => {
      const label = describeReference(envelope.statement);
      return readAnswer(label, () => checkAnswer(label, envelope, answers[i] ?? "", policy));
    }),
  );
}

/** The answer must be about the payload that was sent, and its proof must hold. */
async function checkAnswer(
  label: string,
  sent: Envelope,
  line: string,
  policy: TlogPolicy | null,
): Promise<PublishedEntry> {
  const answer = readAs(answerJson, parseAnswer(line), "answer");
  const { index, leafHash, treeSize, outcome, proof: text } = answer;
  const envelope = envelopeFromJson(answer.envelope);
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
