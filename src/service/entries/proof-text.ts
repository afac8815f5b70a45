// Writes proof files (C2SP tlog-proof) for answers.
import { HASH_LENGTH } from "../../protocol/merkle/hash.ts";
import type { TlogProof } from "../../protocol/note/tlog-proof.ts";

/** As formatTlogProof of protocol/note, with Node's own base64, which is several times as fast as the one that browsers share with us. */
export function proofFileText({ index, proof, checkpoint }: Omit<TlogProof, "extra">): string {
  let text = `c2sp.org/tlog-proof@v1\nindex ${index}\n`;
  for (const hash of proof) text += `${base64(hash)}\n`;
  return `${text}\n${checkpoint}`;
}

/** What base64 writes of 32 bytes is this many characters and "=". */
const HASH_CHARACTERS = 43;
/** A proof of more hashes would be of a tree of more than 2^64 entries. */
const MAX_HASHES = 64;

/**
 * Makes what writes hashes of 32 bytes as the elements of a JSON array. One call encodes all of them: a zero behind each has the next begin
 * a group of three bytes, and is seen in the one character for which "=" is put. It saves a twentieth of an answer.
 */
export function hashEncoder(): (hashes: readonly Uint8Array[]) => string {
  const place = HASH_LENGTH + 1;
  const groups = Buffer.alloc(MAX_HASHES * place);
  return (hashes) => {
    for (const [i, hash] of hashes.entries()) groups.set(hash, i * place);
    const text = groups.toString("base64", 0, hashes.length * place);
    let elements = "";
    for (let at = 0; at < text.length; at += HASH_CHARACTERS + 1) {
      elements += `${at === 0 ? "" : ","}"${text.slice(at, at + HASH_CHARACTERS)}="`;
    }
    return elements;
  };
}

function base64(bytes: Uint8Array): string {
  return bufferOf(bytes).toString("base64");
}

/** The same bytes, not a copy. */
export function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}
