// Cosignatures: C2SP tlog-cosignature. A timestamp and a signature which say: at this time, this was the largest consistent tree
// seen. Type 0x04 is Ed25519 over text, type 0x06 is ML-DSA-44 over a binary struct that also binds the cosigner's name.

import { ed25519Spki, importPublicKey, verifySignature } from "../cryptography/signature.ts";
import { concatBytes } from "../encoding/bytes.ts";
import { decodeUtf8, utf8 } from "../encoding/text.ts";
import { type Checkpoint, parseCheckpoint } from "./checkpoint.ts";
import {
  COSIGNATURE_ED25519,
  COSIGNATURE_ML_DSA_44,
  createNoteVerifier,
  ED25519,
  type NotePrivateKey,
  type VerifierKey,
} from "./key.ts";
import type { NoteSigner, NoteVerifier } from "./signed-note.ts";

const TIMESTAMP_BYTES = 8;
const ED25519_BYTES = 64;
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

/**
 * What a 0x04 cosignature signs.
 * @param noteText the checkpoint's text as UTF-8, extension lines included; @param timestamp POSIX seconds.
 */
export function cosignatureMessage(noteText: Uint8Array, timestamp: number): Uint8Array {
  return concatBytes(utf8(`cosignature/v1\ntime ${timestamp}\n`), noteText);
}

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

function uint64(value: number): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(value));
  return bytes;
}

/** A cosignature's bytes after the key id, taken apart. */
export interface TimestampedSignature {
  /** POSIX seconds. 0 makes no claim that the tree was the latest. */
  readonly timestamp: number;
  readonly signature: Uint8Array;
}

/**
 * Splits the bytes after the key id into timestamp and signature.
 * @returns undefined when they are too short or the timestamp is above 2^53 − 1: no cosignature that anyone made.
 */
export function splitTimestamp(bytes: Uint8Array): TimestampedSignature | undefined {
  if (bytes.length <= TIMESTAMP_BYTES) return undefined;
  const timestamp = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0));
  if (!Number.isSafeInteger(timestamp)) return undefined;
  return { timestamp, signature: bytes.subarray(TIMESTAMP_BYTES) };
}

/**
 * A signer of 0x04 cosignatures, for `signNote`.
 * @param now the time to state; it is asked once for each signature.
 * @throws RangeError for a key of another type and, when signing, for a time before 1970-01-01T00:00:01Z.
 */
export function createCosigner({ verifierKey, signBytes }: NotePrivateKey, now: () => Date): NoteSigner {
  if (verifierKey.type !== COSIGNATURE_ED25519) throw new RangeError("not a cosignature key");
  const sign = async (noteText: Uint8Array): Promise<Uint8Array> => {
    const timestamp = Math.floor(now().getTime() / 1000);
    if (!(timestamp > 0)) throw new RangeError("a cosignature needs a time after 1970-01-01");
    return concatBytes(uint64(timestamp), await signBytes(cosignatureMessage(noteText, timestamp)));
  };
  return { name: verifierKey.name, keyId: verifierKey.keyId, type: verifierKey.type, sign };
}

/**
 * A verifier for a key of any type that Touchstone knows.
 * @returns undefined for a 0x06 key when there is no ML-DSA-44 to check it with: its lines then count as unknown.
 */
export async function createVerifier(
  key: VerifierKey,
  verifyMlDsa44?: VerifyMlDsa44,
): Promise<NoteVerifier | undefined> {
  if (key.type === ED25519) return createNoteVerifier(key);
  if (key.type === COSIGNATURE_ED25519) return createCosignatureVerifier(key);
  if (key.type === COSIGNATURE_ML_DSA_44 && verifyMlDsa44 !== undefined)
    return mlDsaVerifier(key, verifyMlDsa44);
  return undefined;
}

/** Checks 0x04 cosignatures. */
async function createCosignatureVerifier(key: VerifierKey): Promise<NoteVerifier> {
  const publicKey = await importPublicKey(ed25519Spki(key.publicKey));
  const verify = async (noteText: Uint8Array, bytes: Uint8Array): Promise<boolean> => {
    const stamped = splitTimestamp(bytes);
    if (stamped?.signature.length !== ED25519_BYTES) return false;
    return verifySignature(publicKey, cosignatureMessage(noteText, stamped.timestamp), stamped.signature);
  };
  return { name: key.name, keyId: key.keyId, verify };
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
