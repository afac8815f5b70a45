// Reads what requests and replies have in common (RFC 9292 §3): the framing, the content, and what follows it.
import type { ByteSource } from "../byte-source.ts";
import { type Fields, readEndedFields, readKnownFields } from "./fields.ts";

export type Framing = "known" | "indeterminate";

/** The framing indicators (RFC 9292 §3.3). */
export const FRAMING = {
  request: { known: 0, indeterminate: 2 },
  response: { known: 1, indeterminate: 3 },
} as const;

export async function readFraming(source: ByteSource, kind: keyof typeof FRAMING): Promise<Framing> {
  const indicator = await source.varint("framing indicator");
  const { known, indeterminate } = FRAMING[kind];
  if (indicator === known) return "known";
  if (indicator === indeterminate) return "indeterminate";
  throw source.malformed(`framing indicator ${indicator}: no ${kind}`);
}

/** A section that is left out at the end of a message is an empty one (RFC 9292 §3.8). */
export async function readFields(source: ByteSource, framing: Framing): Promise<Fields> {
  if (await source.isAtEnd()) return [];
  return framing === "known" ? readKnownFields(source) : readEndedFields(source);
}

/**
 * The content in pieces, as they arrive. It ends only where the message is whole: after the trailers, which nobody here has a use for, and
 * padding of zeros.
 */
export async function* readContent(source: ByteSource, framing: Framing): AsyncGenerator<Uint8Array, void> {
  if (await source.isAtEnd()) return;
  yield* framing === "known" ? readPart(source) : readParts(source);
  await readFields(source, framing);
  await readPadding(source);
}

async function* readParts(source: ByteSource): AsyncGenerator<Uint8Array, void> {
  while ((yield* readPart(source)) > 0);
}

/** @returns its length. */
async function* readPart(source: ByteSource): AsyncGenerator<Uint8Array, number> {
  const length = await source.varint("length of content");
  for (let left = length; left > 0; ) {
    const piece = await source.takeSome(left, "the content");
    left -= piece.length;
    yield piece;
  }
  return length;
}

async function readPadding(source: ByteSource): Promise<void> {
  while (!(await source.isAtEnd())) {
    const padding = await source.takeSome(16_384, "the padding");
    if (padding.some((byte) => byte !== 0)) throw source.malformed("something follows the message");
  }
}
