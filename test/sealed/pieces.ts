// Cuts bytes into pieces as a network does, and joins what comes out of a reader.
import { concatBytes } from "../../src/protocol/encoding/bytes.ts";

/** Pieces of a length; one byte each unless given. */
export async function* inPieces(bytes: Uint8Array, length = 1): AsyncGenerator<Uint8Array, void> {
  for (let at = 0; at < bytes.length; at += length) yield bytes.subarray(at, at + length);
}

export async function joined(pieces: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const piece of pieces) parts.push(piece);
  return concatBytes(...parts);
}
