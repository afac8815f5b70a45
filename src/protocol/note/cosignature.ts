// Makes and verifies cosignatures: C2SP tlog-cosignature. A timestamp and a signature which say: at this time, this was the largest
// consistent tree seen. Type 0x04 is Ed25519 over text, type 0x06 is ML-DSA-44 over a binary struct that also binds the cosigner's name.

import { ed25519Spki, importPublicKey, verifySignature } from "../cryptography/signature.ts";
import { concatBytes } from "../encoding/bytes.ts";
import { utf8 } from "../encoding/text.ts";
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

/**
 * What a 0x04 cosignature signs.
 * @param noteText the checkpoint's text as UTF-8, extension lines included; @param timestamp POSIX seconds.
 */
export function cosignatureMessage(noteText: Uint8Array, timestamp: number): Uint8Array {
  return concatBytes(utf8(`cosignature/v1\ntime ${timestamp}\n`), noteText);
}

/** RFC 8446 §3.3: 8 bytes, big-endian. */
export function uint64(value: number): Uint8Array {
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
 * @param mlDsa44 makes verifiers for 0x06 keys (ml-dsa-cosignature.ts), passed in so that nobody carries them who does not need them.
 * @returns undefined for a 0x06 key where there is none: its lines then count as unknown.
 */
export async function createVerifier(
  key: VerifierKey,
  mlDsa44?: (key: VerifierKey) => NoteVerifier,
): Promise<NoteVerifier | undefined> {
  if (key.type === ED25519) return createNoteVerifier(key);
  if (key.type === COSIGNATURE_ED25519) return createCosignatureVerifier(key);
  return key.type === COSIGNATURE_ML_DSA_44 ? mlDsa44?.(key) : undefined;
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
