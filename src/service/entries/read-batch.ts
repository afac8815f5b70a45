// A batch as it travels: newline-delimited JSON, each line an envelope, or an attachment that an envelope of the same batch names.
import { BatchRefusedError } from "../../log/errors.ts";
import type { Log } from "../../log/log.ts";
import { sha256 } from "../../protocol/cryptography/hash.ts";
import { KeyRing } from "../../protocol/cryptography/key-ring.ts";
import { decodeBase64 } from "../../protocol/encoding/base64.ts";
import { encodeHex } from "../../protocol/encoding/hex.ts";
import { decodeUtf8 } from "../../protocol/encoding/text.ts";
import { MAX_ATTACHMENT_BYTES } from "../../protocol/entry/attachment.ts";
import { type Envelope, verifyEnvelope } from "../../protocol/envelope/dsse.ts";
import { parseJson } from "../../protocol/envelope/parse-json.ts";
import { MalformedError } from "../../protocol/errors.ts";
import { authorise } from "../../protocol/registration/authorisation.ts";
import { currentTrustRoot } from "../../protocol/registration/in-force.ts";
import { attachmentsOf } from "../../protocol/registration/references.ts";
import { RequestProblem } from "../problem.ts";
import { requireAttachment } from "./check-attachment.ts";

export const MAX_BATCH_LINES = 1000;
export const MAX_BATCH_BYTES = 48 * 1024 * 1024;
const MAX_LINE_BYTES = Math.ceil(MAX_ATTACHMENT_BYTES / 3) * 4 + 64;

export interface Batch {
  readonly envelopes: readonly Envelope[];
  /** Line of each envelope, counted from 1. */
  readonly lines: readonly number[];
  /** By hex SHA-256. */
  readonly attachments: ReadonlyMap<string, Uint8Array>;
}

/**
 * Reads a batch. The last line may end with a newline; no line may be empty.
 * @throws BatchRefusedError naming the line; RequestProblem "too-large", or "malformed" for a batch without an envelope.
 */
export function readBatch(body: Uint8Array, readEnvelope: (json: unknown) => Envelope): Batch {
  const lines = decodeUtf8(body).replace(/\n$/, "").split("\n");
  if (lines.length > MAX_BATCH_LINES) {
    throw new RequestProblem(
      "too-large",
      `a batch has at most ${MAX_BATCH_LINES} lines, this one has ${lines.length}`,
    );
  }
  const envelopes: Envelope[] = [];
  const numbers: number[] = [];
  const attachments = new Map<string, Uint8Array>();
  for (const [i, line] of lines.entries()) {
    inLine(i, () => {
      const json = parseJson(line, MAX_LINE_BYTES);
      const attached = readAttachment(json);
      if (attached !== null) return void attachments.set(encodeHex(sha256(attached)), attached);
      envelopes.push(readEnvelope(json));
      numbers.push(i + 1);
    });
  }
  if (envelopes.length === 0) throw new RequestProblem("malformed", "the batch has no envelope");
  return { envelopes, lines: numbers, attachments };
}

/** The bytes of an attachment line, or null for any other line. */
function readAttachment(json: unknown): Uint8Array | null {
  if (typeof json !== "object" || json === null || !Object.hasOwn(json, "attachment")) return null;
  const { attachment, ...rest } = json as { attachment: unknown };
  if (typeof attachment !== "string" || Object.keys(rest).length > 0) {
    throw new MalformedError(
      "batch line",
      'expected {"attachment": "<base64>"} and nothing else',
      "/attachment",
    );
  }
  return decodeBase64(attachment);
}

/**
 * Stores the attachments of a batch. Each must be named by an envelope whose signatures verify and are allowed: nobody else may fill
 * the log's disk.
 * @throws BatchRefusedError naming the envelope's line; RequestProblem "malformed" for an attachment that no envelope names.
 */
export async function storeAttachments(log: Log, batch: Batch): Promise<void> {
  if (batch.attachments.size === 0) return;
  const allowed = new Set<string>();
  for (const [i, envelope] of batch.envelopes.entries()) {
    const named = attachmentsOf(envelope.statement).filter(({ digest }) => batch.attachments.has(digest));
    if (named.length === 0) continue;
    await inLine((batch.lines[i] ?? 1) - 1, () => requireAllowed(log, envelope));
    for (const { digest } of named) allowed.add(digest);
  }
  for (const [digest, bytes] of batch.attachments) {
    if (!allowed.has(digest))
      throw new RequestProblem("malformed", `no envelope of the batch names attachment ${digest}`);
    requireAttachment(bytes);
    await log.putAttachment(digest, bytes);
  }
}

async function requireAllowed(log: Log, envelope: Envelope): Promise<void> {
  const root = currentTrustRoot(log.registered)?.root;
  if (root === undefined) throw new RequestProblem("trust-root-not-first", "the log has no trust root yet");
  const keys = new KeyRing();
  await keys.add(root.keys);
  const { signers } = await verifyEnvelope(envelope, keys.lookup);
  authorise(root, { kind: envelope.statement.kind, name: envelope.statement.name, signers });
}

/** Runs what concerns one line; whatever it throws is that line's refusal. */
function inLine<T>(position: number, body: () => T): T {
  const refuse = (error: unknown): never => {
    throw new BatchRefusedError(position, error as Error);
  };
  try {
    const result = body();
    return result instanceof Promise ? (result.catch(refuse) as T) : result;
  } catch (error) {
    return refuse(error);
  }
}
