// Checks that a document of megabytes is canonical JSON (RFC 8785) without holding the event loop: attachments are lists, and a list is
// read some of its items at a time.
import { setImmediate as turn } from "node:timers/promises";
import { concatBytes } from "../../protocol/encoding/bytes.ts";
import { utf8 } from "../../protocol/encoding/text.ts";
import { parseCanonical } from "../../protocol/envelope/canonical-json.ts";
import { MalformedError } from "../../protocol/errors.ts";

/** Bytes of items that are read at once: a few milliseconds. */
const SLICE_BYTES = 256 * 1024;

const [OPEN, CLOSE, COMMA, QUOTE, BACKSLASH] = utf8('[],"\\') as unknown as [
  number,
  number,
  number,
  number,
  number,
];
const [OPEN_OBJECT, CLOSE_OBJECT] = utf8("{}") as unknown as [number, number];

/**
 * Accepts what `parseCanonical` accepts. What is no list is read at once.
 * @throws MalformedError as `parseCanonical`.
 */
export async function requireCanonicalList(
  bytes: Uint8Array,
  format: string,
  sliceBytes = SLICE_BYTES,
): Promise<void> {
  const last = bytes.length - 1;
  if (last < 2 || bytes[0] !== OPEN || bytes[last] !== CLOSE) {
    parseCanonical(bytes, format);
    return;
  }
  for (let start = 1; start <= last; ) {
    const end = endOfItems(bytes, start, sliceBytes);
    if (end === start) throw new MalformedError(format, "not JSON", "");
    parseCanonical(
      concatBytes(bytes.subarray(0, 1), bytes.subarray(start, end), bytes.subarray(last)),
      format,
    );
    start = end + 1;
    await turn();
  }
}

/** Where the item ends that reaches `sliceBytes` beyond `start`: at its comma, or at the end of the list. */
function endOfItems(bytes: Uint8Array, start: number, sliceBytes: number): number {
  const last = bytes.length - 1;
  let depth = 0;
  for (let at = start; at < last; at++) {
    const byte = bytes[at];
    if (byte === QUOTE) at = endOfString(bytes, at);
    else if (byte === OPEN || byte === OPEN_OBJECT) depth++;
    else if (byte === CLOSE || byte === CLOSE_OBJECT) depth--;
    else if (byte === COMMA && depth === 0 && at - start >= sliceBytes) return at;
  }
  return last;
}

/** The closing quote of the string that opens at `start`, or the last byte where there is none. */
function endOfString(bytes: Uint8Array, start: number): number {
  for (let at = start + 1; at < bytes.length; at++) {
    if (bytes[at] === BACKSLASH) at++;
    else if (bytes[at] === QUOTE) return at;
  }
  return bytes.length - 1;
}
