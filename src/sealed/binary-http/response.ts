// Reads a reply that is a binary HTTP message (RFC 9292 §3.5) while it arrives, and writes one part after the other.
import { concatBytes } from "../../protocol/encoding/bytes.ts";
import { ByteSource, encodeVarint } from "../byte-source.ts";
import { encodeEndedFields, type Fields } from "./fields.ts";
import { FRAMING, readContent, readFields, readFraming } from "./message.ts";

export interface ResponseHead {
  /** 200 to 599. */
  readonly status: number;
  readonly fields: Fields;
}

/** Informational replies before the final one. */
const MAX_INFORMATIONAL = 8;

/**
 * Reads the head, and what comes after it as it arrives. The content throws MalformedError where the message ends too early, after all
 * that did arrive: whoever shows it must say so.
 */
export async function readResponse(
  pieces: AsyncIterable<Uint8Array>,
): Promise<ResponseHead & { readonly content: AsyncGenerator<Uint8Array, void> }> {
  const source = new ByteSource(pieces, "binary HTTP reply");
  const framing = await readFraming(source, "response");
  for (let informational = 0; informational <= MAX_INFORMATIONAL; informational++) {
    const status = await source.varint("status", 599);
    if (status < 100) throw source.malformed(`no status: ${status}`);
    const fields = await readFields(source, framing);
    // A reply after which nothing comes is no informational one: the next turn finds the end.
    if (status >= 200) return { status, fields, content: readContent(source, framing) };
  }
  throw source.malformed(`more than ${MAX_INFORMATIONAL} informational replies`);
}

/** What stands before the content, which follows in parts, and then `RESPONSE_END`. */
export function encodeResponseHead({ status, fields }: ResponseHead): Uint8Array {
  const { indeterminate } = FRAMING.response;
  return concatBytes(encodeVarint(indeterminate), encodeVarint(status), encodeEndedFields(fields));
}

/** A part of the content; none where there is nothing in it, since that would be the end. */
export function encodePart(content: Uint8Array): Uint8Array {
  return content.length === 0 ? content : concatBytes(encodeVarint(content.length), content);
}

/** The end of the content, and no trailers. */
export const RESPONSE_END = Uint8Array.of(0, 0);
