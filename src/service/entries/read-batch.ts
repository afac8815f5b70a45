// Reads a batch as it travels: newline-delimited JSON, each line an envelope, or an attachment that an envelope before it names. Each
// line is read when the log has taken the one before, so a sender who may not publish is never waited for, held or hashed.
import { setImmediate as turn } from "node:timers/promises";
import { BatchRefusedError } from "../../log/errors.ts";
import type { BatchLine } from "../../log/sequencing/received-batch.ts";
import { type Attachment, MAX_ATTACHMENT_BYTES } from "../../protocol/entry/attachment.ts";
import { MalformedError } from "../../protocol/errors.ts";
import { attachmentsOf } from "../../protocol/registration/references.ts";
import { splitLines } from "../http/split-lines.ts";
import { RequestProblem } from "../problem.ts";
import { requireCanonicalList } from "./canonical-list.ts";
import { MAX_ENVELOPE_BYTES, readEnvelope } from "./read-envelope.ts";

export const MAX_BATCH_LINES = 1000;
/** A release of four attachments of 16 MiB, in base64, with its envelopes. */
export const MAX_BATCH_BYTES = 96 * 1024 * 1024;

const ATTACHMENT_HEAD = /^\{[ \t]*"attachment"[ \t]*:[ \t]*"/;
const ATTACHMENT_TAIL = /"[ \t]*\}[ \t\r]*$/;
/** More than the head and the tail need. */
const FRAME_BYTES = 64;

/**
 * The envelopes and attachments of a batch, in its order. No line may be empty.
 * @throws BatchRefusedError naming the line; RequestProblem "too-large", or "malformed" for a batch without an envelope; what reading
 *   the chunks throws.
 */
export async function* readBatch(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<BatchLine> {
  const awaited = new AwaitedAttachments();
  let count = 0;
  let envelopes = 0;
  const refuse = (error: Error) => new BatchRefusedError(count, error);
  const tooLong = () => refuse(awaited.tooLong());
  for await (const line of splitLines(chunks, () => awaited.lineLimit, tooLong)) {
    if (count === MAX_BATCH_LINES)
      throw new RequestProblem("too-large", `a batch has at most ${MAX_BATCH_LINES} lines`);
    let read: BatchLine;
    try {
      read = (await readAttachment(line, awaited)) ?? readEnvelope(line);
    } catch (error) {
      throw refuse(error as Error);
    }
    yield read;
    if (read instanceof Uint8Array) awaited.came(read);
    else {
      awaited.name(attachmentsOf(read.statement));
      envelopes++;
    }
    count++;
    // The next line has its turn when everybody else has had theirs.
    await turn();
  }
  if (envelopes === 0) throw new RequestProblem("malformed", "the batch has no envelope");
}

/** What envelopes have named and no line has brought. */
class AwaitedAttachments {
  readonly #sizes: number[] = [];

  /** Most bytes of the next line. */
  get lineLimit(): number {
    const largest = Math.max(0, ...this.#sizes);
    return Math.max(MAX_ENVELOPE_BYTES, Math.ceil(largest / 3) * 4 + FRAME_BYTES);
  }

  name(attachments: readonly Attachment[]): void {
    this.#sizes.push(...attachments.map(({ size }) => size));
  }

  has({ length }: Uint8Array): boolean {
    return this.#sizes.includes(length);
  }

  came({ length }: Uint8Array): void {
    const at = this.#sizes.indexOf(length);
    if (at !== -1) this.#sizes.splice(at, 1);
  }

  tooLong(): RequestProblem {
    return new RequestProblem(
      "too-large",
      `the line is longer than ${this.lineLimit} bytes; an attachment follows the envelope that names it, and has at most ${MAX_ATTACHMENT_BYTES} bytes`,
    );
  }
}

/**
 * The bytes of an attachment line, or null for any other. Its text is found without the JSON parser, which copies a string of megabytes
 * several times. What the log will take is canonical JSON, so that auditors and mirrors can read it again.
 */
async function readAttachment(line: Uint8Array, awaited: AwaitedAttachments): Promise<Uint8Array | null> {
  const text = Buffer.from(line.buffer, line.byteOffset, line.length);
  const head = ATTACHMENT_HEAD.exec(text.toString("latin1", 0, FRAME_BYTES))?.[0];
  if (head === undefined) return null;
  const end = Math.max(head.length, text.length - FRAME_BYTES);
  const tail = ATTACHMENT_TAIL.exec(text.toString("latin1", end))?.[0];
  if (tail === undefined)
    throw new MalformedError("batch", 'expected {"attachment": "<base64>"} and nothing else');
  const base64 = text.toString("latin1", head.length, text.length - tail.length);
  const bytes = Buffer.from(base64, "base64");
  // The native decoder forgives what ours refuses; only the one canonical text encodes to itself.
  if (bytes.toString("base64") !== base64)
    throw new MalformedError("base64", "an attachment is not canonical");
  if (awaited.has(bytes)) await requireCanonicalList(bytes, "attachment");
  return bytes;
}
