// Verifies ML-DSA-44 cosignatures (type 0x06, C2SP tlog-cosignature v1.1). It stands in a file of its own, with the
// algorithm passed in, so that nobody carries either who does not need it.
import { concatBytes } from "../encoding/bytes.ts";
import { decodeUtf8, utf8 } from "../encoding/text.ts";
import { type Checkpoint, parseCheckpoint } from "./checkpoint.ts";
import { splitTimestamp, uint64 } from "./cosignature.ts";
import type { VerifierKey } from "./key.ts";
import type { NoteVerifier } from "./signed-note.ts";

const ML_DSA_44_BYTES = 2420;

/**
 * Checks an ML-DSA-44 signature (FIPS 204, empty context). Passed in, so that nobody carries it who does not need it.
 * @param publicKey 1312 bytes; @param signature 2420 bytes.
 */
export type VerifyMlDsa44 = (
  publicKey: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
) => boolean | Promise<boolean>;

/** What a 0x06 cosignature of a whole checkpoint signs: the `subtree/v1` struct with start 0 and end = size. */
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

function lengthPrefixed(bytes: Uint8Array): Uint8Array {
  return concatBytes(Uint8Array.of(bytes.length), bytes);
}

/** Makes verifiers for 0x06 keys, for `createVerifier` and `authenticateCheckpoint`. */
export function mlDsaVerifiers(verifyMlDsa44: VerifyMlDsa44): (key: VerifierKey) => NoteVerifier {
  return (key) => mlDsaVerifier(key, verifyMlDsa44);
}

function mlDsaVerifier(key: VerifierKey, verifyMlDsa44: VerifyMlDsa44): NoteVerifier {
  const verify = async (noteText: Uint8Array, bytes: Uint8Array): Promise<boolean> => {
    const stamped = splitTimestamp(bytes);
    if (stamped?.signature.length !== ML_DSA_44_BYTES) return false;
    // Only a checkpoint without extension lines has this message, so a note that is none is refused as malformed here.
    const checkpoint = parseCheckpoint(decodeUtf8(noteText));
    const message = mlDsaCosignatureMessage(key.name, stamped.timestamp, checkpoint);
    return verifyMlDsa44(key.publicKey, message, stamped.signature);
  };
  return { name: key.name, keyId: key.keyId, verify };
}
