// Makes and verifies cosignatures: C2SP tlog-cosignature. A timestamp and a signature which say: at this time, this was the largest
// consistent tree seen. Type 0x04 is Ed25519 over text, type 0x06 is ML-DSA-44 over a binary struct that also binds the cosigner's name.

import { ed25519Spki, importPublicKey, verifySignature } from "../cryptography/signature.ts";
import { concatBytes, uint64 } from "../encoding/bytes.ts";
import { utf8 } from "../encoding/text.ts";
import {
  COSIGNATURE_ED25519,
  COSIGNATURE_ML_DSA_44,
  createNoteVerifier,
  ED25519,
  type NotePrivateKey,
  type VerifierKey,
} from "./key.ts";
import type { VerifyMlDsa44 } from "./ml-dsa-44.ts";
import { mlDsaNoteMessage } from "./ml-dsa-cosignature.ts";
import type { NoteSigner, NoteVerifier } from "./signed-note.ts";

const TIMESTAMP_BYTES = 8;
const ED25519_BYTES = 64;
const ML_DSA_44_BYTES = 2420;

/**
 * What a 0x04 cosignature signs.
 * @param noteText the checkpoint's text as UTF-8, extension lines included; @param timestamp POSIX seconds.
 */
export function cosignatureMessage(noteText: Uint8Array, timestamp: number): Uint8Array {
  return concatBytes(utf8(`cosignature/v1\ntime ${timestamp}\n`), noteText);
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
 * A signer of cosignatures of type 0x04 or 0x06, for `signNote`.
 * @param now the time to state; it is asked once for each signature.
 * @throws RangeError for a key of another type and, when signing, for a time before 1970-01-01T00:00:01Z.
 */
export function createCosigner(key: NotePrivateKey, now: () => Date): NoteSigner {
  const { name, keyId, type } = key.verifierKey;
  if (type === ED25519) throw new RangeError("not a cosignature key");
  const sign = async (noteText: Uint8Array): Promise<Uint8Array> => {
    const timestamp = Math.floor(now().getTime() / 1000);
    if (!(timestamp > 0)) throw new RangeError("a cosignature needs a time after 1970-01-01");
    return signAt(key, timestamp, noteText);
  };
  return { name, keyId, type, sign };
}

/**
 * A signer for a log's own ML-DSA-44 key: it cosigns its checkpoints, at time 0, which makes no claim of when.
 * @throws RangeError for a key of another type.
 */
export function createMlDsaLogSigner(key: NotePrivateKey): NoteSigner {
  const { name, keyId, type } = key.verifierKey;
  if (type !== COSIGNATURE_ML_DSA_44) throw new RangeError("not an ML-DSA-44 key");
  return { name, keyId, type, sign: (noteText) => signAt(key, 0, noteText) };
}

async function signAt(key: NotePrivateKey, timestamp: number, noteText: Uint8Array): Promise<Uint8Array> {
  const message = messageOf(key.verifierKey, timestamp, noteText);
  return concatBytes(uint64(timestamp), await key.signBytes(message));
}

/** What is signed with a key of either type. */
function messageOf({ name, type }: VerifierKey, timestamp: number, noteText: Uint8Array): Uint8Array {
  return type === COSIGNATURE_ML_DSA_44
    ? mlDsaNoteMessage(name, timestamp, noteText)
    : cosignatureMessage(noteText, timestamp);
}

/**
 * A verifier for a key of any type that Touchstone knows.
 * @param verifyMlDsa44 for 0x06 keys; unless given, portable code, which is loaded when the first line of such a key is verified.
 */
export async function createVerifier(
  key: VerifierKey,
  verifyMlDsa44: VerifyMlDsa44 = loadingMlDsa44,
): Promise<NoteVerifier> {
  if (key.type === ED25519) return createNoteVerifier(key);
  return key.type === COSIGNATURE_ED25519
    ? createCosignatureVerifier(key)
    : createMlDsaVerifier(key, verifyMlDsa44);
}

const loadingMlDsa44: VerifyMlDsa44 = async (publicKey, message, signature) => {
  const { verifyMlDsa44 } = await import("./ml-dsa-44.ts");
  return verifyMlDsa44(publicKey, message, signature);
};

/** Checks 0x06 cosignatures, of checkpoints alone: any other note is refused as malformed. */
function createMlDsaVerifier(key: VerifierKey, verifyMlDsa44: VerifyMlDsa44): NoteVerifier {
  const verify = async (noteText: Uint8Array, bytes: Uint8Array): Promise<boolean> => {
    const stamped = splitTimestamp(bytes);
    if (stamped?.signature.length !== ML_DSA_44_BYTES) return false;
    const message = messageOf(key, stamped.timestamp, noteText);
    return verifyMlDsa44(key.publicKey, message, stamped.signature);
  };
  return { name: key.name, keyId: key.keyId, verify };
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
