// Reads the body of an add-checkpoint request: C2SP tlog-witness. A line with the old size, a consistency proof, an empty line, a
// checkpoint.
import { decodeBase64 } from "../protocol/encoding/base64.ts";
import { decodeUtf8 } from "../protocol/encoding/text.ts";
import { MalformedError } from "../protocol/errors.ts";
import { HASH_LENGTH } from "../protocol/merkle/hash.ts";
import { type Checkpoint, parseCheckpoint, parseDecimal } from "../protocol/note/checkpoint.ts";
import { parseNote } from "../protocol/note/signed-note.ts";

const FORMAT = "add-checkpoint request";
const MAX_PROOF_HASHES = 63;

export interface AddCheckpointRequest {
  /** Size of the checkpoint that the proof is from. */
  readonly oldSize: number;
  /** Hashes of 32 bytes. */
  readonly proof: readonly Uint8Array[];
  readonly checkpoint: Checkpoint;
  /** The checkpoint with its signatures, of which none is verified. */
  readonly note: string;
}

/** @throws MalformedError */
export function parseAddCheckpoint(body: Uint8Array): AddCheckpointRequest {
  const text = decodeUtf8(body);
  const split = text.indexOf("\n\n");
  if (split < 0) throw new MalformedError(FORMAT, "no empty line in front of the checkpoint");
  const [first = "", ...hashes] = text.slice(0, split).split("\n");
  if (!first.startsWith("old ")) throw new MalformedError(FORMAT, "expected 'old <size>'", "line 1");
  if (hashes.length > MAX_PROOF_HASHES)
    throw new MalformedError(FORMAT, `a proof has at most ${MAX_PROOF_HASHES} hashes`);
  const note = text.slice(split + 2);
  return {
    oldSize: parseDecimal(first.slice("old ".length), FORMAT),
    proof: hashes.map(parseHash),
    checkpoint: parseCheckpoint(parseNote(note).text),
    note,
  };
}

function parseHash(line: string, i: number): Uint8Array {
  const hash = decodeBase64(line);
  if (hash.length !== HASH_LENGTH)
    throw new MalformedError(FORMAT, `a hash is not ${HASH_LENGTH} bytes long`, `line ${i + 2}`);
  return hash;
}
