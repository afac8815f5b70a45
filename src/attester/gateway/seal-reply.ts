// Seals a reply as it arrives: what one read gave becomes one chunk, so that a token is with its reader as soon as it is there.
import { concatBytes } from "../../protocol/encoding/bytes.ts";
import { encodePart, encodeResponseHead, RESPONSE_END } from "../../sealed/binary-http/response.ts";
import type { Form } from "../../sealed/oblivious-http/form.ts";
import type { SealingResponse } from "../../sealed/oblivious-http/gateway.ts";
import type { Upstream } from "./forward.ts";

/** Bytes of a reply in the whole form. */
const MAX_WHOLE = 16 * 1024 * 1024;

/**
 * The body of the sealed answer, piece by piece. Where the service breaks off this throws, and the reply never gets its last chunk: whoever
 * reads it sees that it was cut. @throws TypeError, before anything else, for a reply that cannot be written as binary HTTP.
 */
export async function* sealReply(
  { status, fields, content }: Upstream,
  sealing: SealingResponse,
  form: Form,
): AsyncGenerator<Uint8Array, void> {
  const head = encodeResponseHead({ status, fields });
  if (form === "whole") {
    yield concatBytes(sealing.nonce, await sealing.whole(await join(head, content)));
    return;
  }
  yield concatBytes(sealing.nonce, await sealing.part(head));
  for await (const read of content) yield await sealing.part(encodePart(read));
  yield concatBytes(await sealing.part(RESPONSE_END), await sealing.end());
}

async function join(head: Uint8Array, content: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts = [head];
  let length = 0;
  for await (const read of content) {
    length += read.length;
    if (length > MAX_WHOLE)
      throw new RangeError(`a reply of more than ${MAX_WHOLE} bytes is sealed in chunks only`);
    parts.push(encodePart(read));
  }
  return concatBytes(...parts, RESPONSE_END);
}
