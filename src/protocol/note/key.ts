// Reads and writes the keys of signed notes as text: C2SP signed-note "Verifier keys", and the private form of Go's
// golang.org/x/mod/sumdb/note.

import { sha256 } from "../cryptography/hash.ts";
import { ed25519Spki, importPublicKey, verifySignature } from "../cryptography/signature.ts";
import { decodeBase64, encodeBase64 } from "../encoding/base64.ts";
import { concatBytes, equalBytes } from "../encoding/bytes.ts";
import { decodeHex, encodeHex } from "../encoding/hex.ts";
import { utf8 } from "../encoding/text.ts";
import { MalformedError } from "../errors.ts";
import { requireKeyName } from "./key-name.ts";
import type { NoteSigner, NoteVerifier } from "./signed-note.ts";

/** Signature types of C2SP signed-note that Touchstone knows: the byte in front of the public key. */
export const ED25519 = 0x01;
/** Timestamped Ed25519 cosignature (C2SP tlog-cosignature). */
export const COSIGNATURE_ED25519 = 0x04;
/** Timestamped ML-DSA-44 cosignature (C2SP tlog-cosignature v1.1). */
export const COSIGNATURE_ML_DSA_44 = 0x06;

export type NoteKeyType = typeof ED25519 | typeof COSIGNATURE_ED25519 | typeof COSIGNATURE_ML_DSA_44;

const PUBLIC_KEY_BYTES: ReadonlyMap<number, number> = new Map([
  [ED25519, 32],
  [COSIGNATURE_ED25519, 32],
  [COSIGNATURE_ML_DSA_44, 1312],
]);

const MAX_KEY_TEXT = 4096;
const SEED_BYTES = 32;

/** The public key of a signer of notes. */
export interface VerifierKey {
  /** Key name: for a log its origin. No space, control character or plus, 1 to 255 bytes. */
  readonly name: string;
  /** First 4 bytes of `SHA-256(name ‖ 0A ‖ type ‖ publicKey)`, lower-case hex. */
  readonly keyId: string;
  readonly type: NoteKeyType;
  /** 32 bytes for Ed25519, 1312 for ML-DSA-44. */
  readonly publicKey: Uint8Array;
}

/** A key that signs notes (type 0x01) or cosigns checkpoints (types 0x04, 0x06). */
export interface NotePrivateKey {
  readonly verifierKey: VerifierKey;
  /** The 32 bytes of RFC 8032 §5.1.5, or of FIPS 204 §5.1. Secret. */
  readonly seed: Uint8Array;
  /** Signature of 64 bytes for Ed25519, 2420 for ML-DSA-44. */
  readonly signBytes: (message: Uint8Array) => Promise<Uint8Array>;
}

/**
 * A verifier key from its parts.
 * @throws MalformedError on a name, a type or a key length that no note can have.
 */
export function createVerifierKey(name: string, type: number, publicKey: Uint8Array): VerifierKey {
  requireKeyName(name, "verifier key");
  const length = PUBLIC_KEY_BYTES.get(type);
  if (length === undefined) throw new MalformedError("verifier key", `unknown signature type ${type}`);
  if (publicKey.length !== length) {
    throw new MalformedError("verifier key", `expected a key of ${length} bytes, got ${publicKey.length}`);
  }
  const digest = sha256(concatBytes(utf8(name), Uint8Array.of(0x0a, type), publicKey));
  return { name, keyId: encodeHex(digest.subarray(0, 4)), type: type as NoteKeyType, publicKey };
}

/**
 * Reads `<name>+<key id, 8 hex digits>+<base64 of type ‖ key>`.
 * @throws MalformedError on any other form, an unknown type, or a key id that is not that of name, type and key.
 */
export function parseVerifierKey(text: string): VerifierKey {
  const { name, keyId, type, key } = splitKey(text, "verifier key");
  const verifierKey = createVerifierKey(name, type, key);
  if (verifierKey.keyId !== keyId)
    throw new MalformedError("verifier key", "the key id is not that of the key");
  return verifierKey;
}

export function formatVerifierKey({ name, keyId, type, publicKey }: VerifierKey): string {
  return `${name}+${keyId}+${encodeBase64(concatBytes(Uint8Array.of(type), publicKey))}`;
}

interface KeyParts {
  readonly name: string;
  readonly keyId: string;
  readonly type: number;
  readonly key: Uint8Array;
}

function splitKey(text: string, format: string): KeyParts {
  if (text.length > MAX_KEY_TEXT) throw new MalformedError(format, `longer than ${MAX_KEY_TEXT} characters`);
  const match = /^([^+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]+=*)$/u.exec(text);
  if (match === null) throw new MalformedError(format, "expected <name>+<key id>+<base64>");
  const [, name = "", keyId = "", base64 = ""] = match;
  const bytes = decodeBase64(base64);
  return { name, keyId, type: bytes[0] ?? 0, key: bytes.subarray(1) };
}

const PRIVATE_PREFIX = "PRIVATE+KEY+";
/** PrivateKeyInfo of an Ed25519 seed up to the seed itself (RFC 8410 §7). */
const PKCS8_PREFIX = /* @__PURE__ */ decodeHex("302e020100300506032b657004220420");

/**
 * A private key from a seed, which the caller draws at random.
 * @param type 0x01 for a log, 0x04 for a cosigner, 0x06 for either with ML-DSA-44; @param seed 32 bytes.
 */
export async function createPrivateKey(
  name: string,
  type: number,
  seed: Uint8Array,
): Promise<NotePrivateKey> {
  if (!PUBLIC_KEY_BYTES.has(type)) throw new MalformedError("private key", `unknown signature type ${type}`);
  if (seed.length !== SEED_BYTES) throw new MalformedError("private key", "expected a seed of 32 bytes");
  if (type === COSIGNATURE_ML_DSA_44) {
    const { mlDsa44Of } = await import("./ml-dsa-44.ts");
    const { publicKey, sign } = mlDsa44Of(seed);
    const verifierKey = createVerifierKey(name, type, publicKey);
    return { verifierKey, seed, signBytes: async (message) => sign(message) };
  }
  const pkcs8 = Uint8Array.from(concatBytes(PKCS8_PREFIX, seed));
  const key = await crypto.subtle.importKey("pkcs8", pkcs8, { name: "Ed25519" }, true, ["sign"]);
  // WebCrypto tells the public half of a private key only in its JWK (RFC 8037 §2).
  const { x = "" } = await crypto.subtle.exportKey("jwk", key);
  const publicKey = decodeBase64(`${x.replaceAll("-", "+").replaceAll("_", "/")}=`);
  return {
    verifierKey: createVerifierKey(name, type, publicKey),
    seed,
    signBytes: async (message) =>
      new Uint8Array(await crypto.subtle.sign({ name: "Ed25519" }, key, Uint8Array.from(message))),
  };
}

/**
 * Reads `PRIVATE+KEY+<name>+<key id>+<base64 of type ‖ seed>`.
 * @throws MalformedError on any other form, or when the key id is not that of the key.
 */
export async function parsePrivateKey(text: string): Promise<NotePrivateKey> {
  if (!text.startsWith(PRIVATE_PREFIX))
    throw new MalformedError("private key", `expected ${PRIVATE_PREFIX}…`);
  const { name, keyId, type, key } = splitKey(text.slice(PRIVATE_PREFIX.length), "private key");
  const privateKey = await createPrivateKey(name, type, key);
  if (privateKey.verifierKey.keyId !== keyId) {
    throw new MalformedError("private key", "the key id is not that of the key");
  }
  return privateKey;
}

export function formatPrivateKey({ verifierKey, seed }: NotePrivateKey): string {
  const { name, keyId, type } = verifierKey;
  return `${PRIVATE_PREFIX}${name}+${keyId}+${encodeBase64(concatBytes(Uint8Array.of(type), seed))}`;
}

/** Signs note texts with an Ed25519 key of type 0x01. A cosigner is made by `createCosigner`. */
export function createNoteSigner({ verifierKey, signBytes }: NotePrivateKey): NoteSigner {
  if (verifierKey.type !== ED25519) throw new RangeError("a cosignature key cannot sign as a log");
  return { name: verifierKey.name, keyId: verifierKey.keyId, type: verifierKey.type, sign: signBytes };
}

/** Checks Ed25519 signatures (type 0x01) over note texts. */
export async function createNoteVerifier(key: VerifierKey): Promise<NoteVerifier> {
  if (key.type !== ED25519) throw new RangeError("not a key of type 0x01");
  const publicKey = await importPublicKey(ed25519Spki(key.publicKey));
  return {
    name: key.name,
    keyId: key.keyId,
    verify: (message, signature) => verifySignature(publicKey, message, signature),
  };
}

/** Whether both are the same key under the same name. */
export function sameVerifierKey(a: VerifierKey, b: VerifierKey): boolean {
  return a.name === b.name && a.type === b.type && equalBytes(a.publicKey, b.publicKey);
}
