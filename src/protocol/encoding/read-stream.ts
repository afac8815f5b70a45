// Reads a stream of bytes whole, up to a limit: the bodies of requests and answers, whose senders are trusted in nothing.
import { concatBytes } from "./bytes.ts";

/**
 * Reads all bytes of a stream.
 * @param stream a body as `Request` and `Response` have it: null, or undefined, is an empty one.
 * @param limit most bytes that are accepted.
 * @param tooLong makes the error for a longer stream, which is cancelled.
 * @throws that error, or the reason of a stream that breaks off.
 */
export async function readStream(
  stream: ReadableStream<Uint8Array> | null | undefined,
  limit: number,
  tooLong: () => Error,
): Promise<Uint8Array> {
  const reader = stream?.getReader();
  const chunks: Uint8Array[] = [];
  let length = 0;
  for (;;) {
    const { value } = (await reader?.read()) ?? {};
    if (value === undefined) return concatBytes(...chunks);
    length += value.length;
    if (length > limit) {
      await reader?.cancel().catch(() => undefined);
      throw tooLong();
    }
    chunks.push(value);
  }
}
