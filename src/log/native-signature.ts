// Ed25519 by OpenSSL on the calling thread. WebCrypto's thread pool is where the signatures of entries are checked, hundreds at a time;
// the few signatures of a checkpoint would queue behind all of them, and everybody waits for the checkpoint.
import { createPrivateKey, createPublicKey, type KeyObject, sign, verify } from "node:crypto";
import { ed25519Spki } from "../protocol/cryptography/signature.ts";
import { concatBytes } from "../protocol/encoding/bytes.ts";
import { decodeHex } from "../protocol/encoding/hex.ts";
import { cosignatureMessage, createVerifier, splitTimestamp } from "../protocol/note/cosignature.ts";
import { COSIGNATURE_ED25519, type NotePrivateKey, type VerifierKey } from "../protocol/note/key.ts";
import type { NoteVerifier } from "../protocol/note/signed-note.ts";

/** PrivateKeyInfo of an Ed25519 seed up to the seed itself (RFC 8410 §7). */
const PKCS8_PREFIX = decodeHex("302e020100300506032b657004220420");
const SIGNATURE_BYTES = 64;

/** The same key, signing at once. */
export function signingNatively(key: NotePrivateKey): NotePrivateKey {
  const der = Buffer.from(concatBytes(PKCS8_PREFIX, key.seed));
  const object = createPrivateKey({ key: der, format: "der", type: "pkcs8" });
  return { ...key, signBytes: async (message) => sign(null, message, object) };
}

/** Checks the cosignatures of a witness: of type 0x04 at once. @returns undefined for a type that cannot be checked. */
export async function witnessVerifier(key: VerifierKey): Promise<NoteVerifier | undefined> {
  if (key.type !== COSIGNATURE_ED25519) return createVerifier(key);
  const der = Buffer.from(ed25519Spki(key.publicKey));
  const object = createPublicKey({ key: der, format: "der", type: "spki" });
  const { name, keyId } = key;
  return { name, keyId, verify: async (text, bytes) => verifyCosignature(object, text, bytes) };
}

function verifyCosignature(key: KeyObject, noteText: Uint8Array, bytes: Uint8Array): boolean {
  const stamped = splitTimestamp(bytes);
  if (stamped?.signature.length !== SIGNATURE_BYTES) return false;
  return verify(null, cosignatureMessage(noteText, stamped.timestamp), key, stamped.signature);
}
