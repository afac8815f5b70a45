// Writes what an ML-DSA-44 cosignature signs (type 0x06, C2SP tlog-cosignature v1.1): a struct that also binds the cosigner's name. The
// algorithm is not here, so that Node can bring its own.
import { concatBytes, uint64 } from "../encoding/bytes.ts";
import { decodeUtf8, utf8 } from "../encoding/text.ts";
import { type Checkpoint, parseCheckpoint } from "./checkpoint.ts";

/** The `subtree/v1` struct of a whole checkpoint: start 0, and end = size. @param timestamp POSIX seconds. */
export function mlDsaCosignatureMessage(
  cosigner: string,
  timestamp: number,
  checkpoint: Checkpoint,
): Uint8Array {
  return concatBytes(
    utf8("subtree/v1\n\0"),
    lengthPrefixed(utf8(cosigner)),
    uint64(timestamp),
    lengthPrefixed(utf8(checkpoint.origin)),
    uint64(0),
    uint64(checkpoint.size),
    checkpoint.root,
  );
}

/**
 * The same for the text of a note.
 * @throws MalformedError unless it is a checkpoint without extension lines: this message would not sign them.
 */
export function mlDsaNoteMessage(cosigner: string, timestamp: number, noteText: Uint8Array): Uint8Array {
  return mlDsaCosignatureMessage(cosigner, timestamp, parseCheckpoint(decodeUtf8(noteText)));
}

function lengthPrefixed(bytes: Uint8Array): Uint8Array {
  return concatBytes(Uint8Array.of(bytes.length), bytes);
}
