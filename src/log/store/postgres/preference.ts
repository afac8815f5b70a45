// Says which of several candidates should lead a log: the one whose hash with that log is the least, so that the logs of several processes
// are led by all of them, and nobody has to say which by whom (rendezvous hashing).
import { nativeSha256 } from "../../../node/sha256.ts";
import { utf8 } from "../../../protocol/encoding/text.ts";

/** From 0 to less than 1; the candidate with the least is preferred. */
export function rankOf(schema: string, candidate: string): number {
  const hash = nativeSha256(utf8(`${schema}\n${candidate}`));
  return new DataView(hash.buffer, hash.byteOffset).getUint32(0) / 2 ** 32;
}
