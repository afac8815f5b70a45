// Gets a second opinion on the root: merkletreejs, an independent implementation that shares no line with ours, over the leaf hashes of the
// log's own tiles. It holds the whole tree in memory, so it is asked up to 100,000 entries.
import { hash } from "node:crypto";
import { MerkleTree } from "merkletreejs";
import { HASH_LENGTH } from "../protocol/merkle/hash.ts";
import { bundlesOfRange } from "../protocol/merkle/tile.ts";
import type { TileReader } from "./tile-reader.ts";

export const SECOND_OPINION_LIMIT = 100_000;
/** What stands before two hashes that are hashed together (RFC 6962 §2.1). */
const NODE = Buffer.of(1);

/** The root, 32 bytes, of a tree of 1 to 100,000 entries. @throws WrongAnswerError where a tile is missing. */
export async function secondRoot(reader: TileReader, size: number): Promise<Uint8Array> {
  const leaves: Buffer[] = [];
  for (const { index, width } of bundlesOfRange(0, size, size)) {
    const tile = Buffer.from(await reader.tile(0, index, width));
    for (let at = 0; at < tile.length; at += HASH_LENGTH) leaves.push(tile.subarray(at, at + HASH_LENGTH));
  }
  const hashPair = (pair: Buffer) => hash("sha256", Buffer.concat([NODE, pair]), "buffer");
  return new Uint8Array(new MerkleTree(leaves, hashPair, { duplicateOdd: false }).getRoot());
}
