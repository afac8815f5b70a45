// Publishes signed entries, together and in order: all of them are added, or none. Repeating it after any failure is safe, since the
// log answers a known payload with the entry that it has.
import * as z from "zod";
import { equalBytes } from "../../protocol/encoding/bytes.ts";
import { decodeHex } from "../../protocol/encoding/hex.ts";
import { readAs } from "../../protocol/encoding/shape.ts";
import { describeReference } from "../../protocol/entry/reference.ts";
import type { TrustRoot } from "../../protocol/entry/trust-root.ts";
import { type Envelope, envelopeFromJson, envelopeToJson } from "../../protocol/envelope/dsse.ts";
import { PolicyError, VerificationError } from "../../protocol/errors.ts";
import { confirm } from "../../protocol/identity/confirmation.ts";
import { hashLeaf } from "../../protocol/merkle/hash.ts";
import { verifyInclusion } from "../../protocol/merkle/inclusion.ts";
import { parseCheckpoint } from "../../protocol/note/checkpoint.ts";
import type { NoteCode } from "../../protocol/note/note-code.ts";
import { parseNote } from "../../protocol/note/signed-note.ts";
import { parseTlogPolicy, type TlogPolicy } from "../../protocol/note/tlog-policy.ts";
import { parseTlogProof, type TlogProof, verifyTlogProof } from "../../protocol/note/tlog-proof.ts";
import { type AnswerCode, callLog, type LogClient, parseAnswer, readAnswer, textOf } from "./log-client.ts";
import { getTrustRoot } from "./lookup.ts";

/** Why a proof does not hold though the entry is logged: the trust root that was named for it is not the one in force any more. */
export type PublishCode = AnswerCode | "trust-root-old";

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
  /** Whether the log shows that an entry with an identity was there when it says that it took it: otherwise the entry counts for nobody. */
  readonly isConfirmed: boolean;
}

const answerJson = z.object({
  index: z.int().min(0),
  leafHash: z.string().regex(/^[0-9a-f]{64}$/),
  treeSize: z.int().min(1),
  outcome: z.enum(["new", "known"]),
  envelope: z.unknown(),
  proof: z.string(),
});

/**
 * Publishes envelopes in their order, with the attachments that they name.
 * @param policy the log's tlog-policy: with it each proof's log signature and quorum are verified, without it only the hashes. A trust root
 *   among the envelopes takes its place, since the checkpoint over them is cosigned as that one says.
 * @throws RefusedError when the log refuses (nothing was added), UnreachableError, VerificationError when it answers something else
 *   than a proof of what was sent, or "checkpoint-quorum", "trust-root-old" where the entries are logged and the quorum differs.
 */
export async function publish(
  client: LogClient,
  envelopes: readonly Envelope[],
  attachments: readonly Uint8Array[],
  policy: TlogPolicy | null,
): Promise<PublishedEntry[]> {
  // An attachment comes after the envelope that names it: the log first wants to know whose it is.
  const lines = [
    ...envelopes.map((envelope) => JSON.stringify(envelopeToJson({ ...envelope, recordedAt: null }))),
    ...attachments.map((bytes) => JSON.stringify({ attachment: Buffer.from(bytes).toString("base64") })),
  ];
  const response = await callLog(client, "/v1/entries/batch", {
    method: "POST",
    headers: { "content-type": "application/x-ndjson" },
    body: `${lines.join("\n")}\n`,
  });
  const answers = textOf(response).trimEnd().split("\n");
  if (answers.length !== envelopes.length)
    throw new VerificationError<AnswerCode>(
      "answer",
      `the log answered ${answers.length} of ${envelopes.length} entries`,
    );
  const judge = policy && policyOver(envelopes, policy);
  try {
    const checked = await Promise.all(
      envelopes.map((envelope, i) => {
        const label = describeReference(envelope.statement);
        return readAnswer(label, () => checkAnswer(label, envelope, answers[i] ?? "", judge));
      }),
    );
    remember(client, checked);
    return await Promise.all(
      checked.map(async (entry) => ({ ...entry, isConfirmed: await isConfirmed(client, entry, judge) })),
    );
  } catch (error) {
    const lacksQuorum = error instanceof VerificationError && error.code === "checkpoint-quorum";
    throw lacksQuorum ? await explainQuorum(client, answers[0] ?? "") : error;
  }
}

/** What the proofs lead to is there, whatever another process of the log knows yet. */
function remember({ seen }: LogClient, published: ReadonlyArray<Pick<PublishedEntry, "proof">>): void {
  if (seen === undefined) return;
  const sizes = published.map(({ proof }) => sizeOf(parseTlogProof(proof)));
  seen.size = Math.max(seen.size, ...sizes);
}

function sizeOf({ checkpoint }: TlogProof): number {
  return parseCheckpoint(parseNote(checkpoint).text).size;
}

/** Asks for the log's first checkpoint over an entry with an identity. Verifiers ask for proof of it; here the publisher is told. */
async function isConfirmed(
  client: LogClient,
  { index, envelope }: Pick<PublishedEntry, "index" | "envelope">,
  policy: TlogPolicy | null,
): Promise<boolean> {
  if (envelope.recordedAt === null || policy === null) return true;
  const note = textOf(await callLog(client, `/v1/confirmations/${index}`));
  try {
    await confirm(envelope, index, note, () => policy);
    return true;
  } catch (error) {
    if (error instanceof PolicyError) return false;
    throw error;
  }
}

/** The policy by which the checkpoint over these envelopes is cosigned: that of the newest trust root among them, if there is one. */
function policyOver(envelopes: readonly Envelope[], policy: TlogPolicy): TlogPolicy {
  const roots = envelopes.flatMap(({ statement }) =>
    statement.kind === "trust-root" ? [statement.predicate] : [],
  );
  const newest = roots.at(-1);
  return newest === undefined ? policy : parseTlogPolicy(newest.logPolicy);
}

/** Tells a trust root that is out of date from witnesses that are missing: does what the log says is in force accept its proof? */
async function explainQuorum(
  client: LogClient,
  line: string,
): Promise<VerificationError<PublishCode | NoteCode>> {
  const newest = await trustRootInForce(client);
  const { envelope, proof } = readAs(answerJson, parseAnswer(line), "answer");
  const leaf = hashLeaf(envelopeFromJson(envelope).leaf);
  const isMet =
    newest !== null &&
    (await verifyTlogProof(parseTlogProof(proof), leaf, parseTlogPolicy(newest.logPolicy)).then(
      () => true,
      () => false,
    ));
  return isMet
    ? new VerificationError<PublishCode>(
        "trust-root-old",
        `it is logged, and cosigned as trust root version ${newest.version} asks, which the log says is in force: the trust root that was given is an older one. Pin version ${newest.version}, and publish again for the proof`,
      )
    : new VerificationError<NoteCode>(
        "checkpoint-quorum",
        "it is logged, but too few witnesses of the trust root have cosigned its checkpoint; publish again later for a proof that holds",
      );
}

/** What the log says is in force, or null where it says nothing: it is for an error message alone. */
async function trustRootInForce(client: LogClient): Promise<TrustRoot | null> {
  const found = await getTrustRoot({ ...client, sleep: async () => undefined }).catch(() => null);
  const statement = found?.envelope.statement;
  return statement?.kind === "trust-root" ? statement.predicate : null;
}

/** The answer must be about the payload that was sent, and its proof must hold. */
async function checkAnswer(
  label: string,
  sent: Envelope,
  line: string,
  policy: TlogPolicy | null,
): Promise<Omit<PublishedEntry, "isConfirmed">> {
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
