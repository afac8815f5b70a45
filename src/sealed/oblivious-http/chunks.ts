// Joins and parts the chunks of a sealed message (draft-ietf-ohai-chunked-ohttp-08 §6). The last one is sealed as such, so that a
// message that was cut is never taken for a shorter one.
import { concatBytes } from "../../protocol/encoding/bytes.ts";
import { utf8 } from "../../protocol/encoding/text.ts";
import { type ByteSource, encodeVarint } from "../byte-source.ts";
import { TAG_LENGTH } from "./suite.ts";

/** Bytes of a chunk before it is sealed. Every reader must take so much (§7.1); this one takes no more. */
export const MAX_CHUNK = 16_384;

/** Seals or opens the next chunk. */
export type NextChunk = (chunk: Uint8Array, additionalData: Uint8Array) => Promise<Uint8Array>;

const INNER = new Uint8Array();
const FINAL = utf8("final");

/** What each chunk holds, as it arrives. @throws what `open` throws; MalformedError where the bytes end before the last chunk. */
export async function* openChunks(source: ByteSource, open: NextChunk): AsyncGenerator<Uint8Array, void> {
  const most = MAX_CHUNK + TAG_LENGTH;
  for (;;) {
    const length = await source.varint("length of a chunk", most);
    if (length === 0) break;
    yield await open(await source.take(length, "chunk"), INNER);
  }
  yield await open(await source.rest(most, "last chunk"), FINAL);
}

/** A chunk that others follow, or several where it is too long for one; nothing where there is nothing in it. */
export async function sealInner(bytes: Uint8Array, seal: NextChunk): Promise<Uint8Array> {
  const sealed: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += MAX_CHUNK) {
    const chunk = await seal(bytes.subarray(at, at + MAX_CHUNK), INNER);
    sealed.push(encodeVarint(chunk.length), chunk);
  }
  return concatBytes(...sealed);
}

/** The last chunk, with nothing in it. */
export async function sealEnd(seal: NextChunk): Promise<Uint8Array> {
  return concatBytes(encodeVarint(0), await seal(new Uint8Array(), FINAL));
}
