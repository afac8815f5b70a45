// Verifies Ed25519 by OpenSSL on the calling thread. WebCrypto's thread pool is where the signatures of batches are checked, hundreds at a
// time; the few signatures of a checkpoint would queue behind all of them, and everybody waits for the checkpoint.
import { createPrivateKey, createPublicKey, KeyObject, sign, verify } from "node:crypto";
import { availableParallelism } from "node:os";
import { ed25519Spki, type VerifySignature, verifySignature } from "../protocol/cryptography/signature.ts";
import { holdsSmallOrder } from "../protocol/cryptography/small-order.ts";
import { concatBytes } from "../protocol/encoding/bytes.ts";
import { decodeHex } from "../protocol/encoding/hex.ts";
import { cosignatureMessage, createVerifier, splitTimestamp } from "../protocol/note/cosignature.ts";
import {
  COSIGNATURE_ED25519,
  COSIGNATURE_ML_DSA_44,
  ED25519,
  type NotePrivateKey,
  type VerifierKey,
} from "../protocol/note/key.ts";
import type { NoteVerifier } from "../protocol/note/signed-note.ts";
import { signingMlDsaNatively, verifyMlDsa44Natively } from "./ml-dsa-44.ts";

/** PrivateKeyInfo of an Ed25519 seed up to the seed itself (RFC 8410 §7). */
const PKCS8_PREFIX = decodeHex("302e020100300506032b657004220420");
const SIGNATURE_BYTES = 64;
/** With one, the threads of the pool take the event loop's core from it, which costs more than they do for it. */
const CORES_FOR_THE_POOL = 2;
/** Asked once: to ask takes a tenth of a verification. */
const CORES = availableParallelism();

/**
 * How the signatures of so many envelopes are best checked: in the thread pool, since the event loop has others to answer; those of a
 * single one at once where there is no core for the pool.
 */
export function entryVerifier(envelopes: number, cores: number = CORES): VerifySignature {
  return envelopes === 1 && cores < CORES_FOR_THE_POOL ? verifyAtOnce : verifySignature;
}

/** On the calling thread: for a thread that has nothing else to do. */
export const verifyAtOnce: VerifySignature = async (key, message, signature) => {
  if (key.algorithm !== "ed25519") return verifySignature(key, message, signature);
  if (signature.length !== SIGNATURE_BYTES || holdsSmallOrder(key.spki.subarray(-32), signature))
    return false;
  return verify(null, message, KeyObject.from(key.cryptoKey), signature);
};

/** The same key, of any type, signing at once. */
export function signingNatively(key: NotePrivateKey): NotePrivateKey {
  if (key.verifierKey.type === COSIGNATURE_ML_DSA_44) return signingMlDsaNatively(key);
  const der = Buffer.from(concatBytes(PKCS8_PREFIX, key.seed));
  const object = createPrivateKey({ key: der, format: "der", type: "pkcs8" });
  return { ...key, signBytes: async (message) => sign(null, message, object) };
}

/** Checks the signatures of a log's Ed25519 key (type 0x01) at once. @throws RangeError for a key of another type. */
export function logVerifier(key: VerifierKey): NoteVerifier {
  if (key.type !== ED25519) throw new RangeError("not a key of type 0x01");
  const verifyByKey = verifierOf(key);
  const { name, keyId } = key;
  return { name, keyId, verify: async (...signed) => verifyByKey(...signed) };
}

/** Checks the signatures of a log or a witness: of types 0x04 and 0x06 at once. */
export async function witnessVerifier(key: VerifierKey): Promise<NoteVerifier> {
  if (key.type !== COSIGNATURE_ED25519) return createVerifier(key, verifyMlDsa44Natively);
  const verifyByKey = verifierOf(key);
  const { name, keyId } = key;
  const verifyCosignature = (noteText: Uint8Array, bytes: Uint8Array): boolean => {
    const stamped = splitTimestamp(bytes);
    if (stamped === undefined) return false;
    return verifyByKey(cosignatureMessage(noteText, stamped.timestamp), stamped.signature);
  };
  return { name, keyId, verify: async (...signed) => verifyCosignature(...signed) };
}

function verifierOf({ publicKey }: VerifierKey): (message: Uint8Array, signature: Uint8Array) => boolean {
  const der = Buffer.from(ed25519Spki(publicKey));
  const object = createPublicKey({ key: der, format: "der", type: "spki" });
  return (message, signature) =>
    signature.length === SIGNATURE_BYTES &&
    !holdsSmallOrder(publicKey, signature) &&
    verify(null, message, object, signature);
}
