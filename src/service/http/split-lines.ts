// Splits bytes that arrive in pieces into lines, and holds no more than one line of them.
import { ByteBuffer } from "./byte-buffer.ts";

const NEWLINE = 0x0a;

/**
 * The lines of a text, without their newlines; the last one may have none.
 * @param limit most bytes of the line that is being read; asked while it is, since what may come depends on the lines before.
 * @param tooLong makes the error for a longer line.
 */
export async function* splitLines(
  chunks: AsyncIterable<Uint8Array>,
  limit: () => number,
  tooLong: () => Error,
): AsyncGenerator<Uint8Array> {
  const line = new ByteBuffer();
  const add = (piece: Uint8Array) => {
    if (line.length + piece.length > limit()) throw tooLong();
    line.append(piece);
  };
  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, start)) {
      add(chunk.subarray(start, end));
      yield line.take();
      start = end + 1;
    }
    add(chunk.subarray(start));
  }
  if (line.length > 0) yield line.take();
}
