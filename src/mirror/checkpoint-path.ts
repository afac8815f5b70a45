// Names the place at which a mirror keeps a checkpoint that it saw, beside all others.
import { nativeSha256 } from "../node/sha256.ts";
import { encodeHex } from "../protocol/encoding/hex.ts";
import { tilePath } from "../protocol/merkle/tile.ts";

/** `checkpoints/<size>/<hex SHA-256 of the note>`, with the size in groups of three digits, as tlog-tiles writes the number of a tile. */
export function checkpointPath(size: number, note: Uint8Array): string {
  const number = tilePath(0, size).slice("tile/0/".length);
  return `checkpoints/${number}/${encodeHex(nativeSha256(note))}`;
}
