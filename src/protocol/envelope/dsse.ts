// Reads and writes DSSE envelopes v1 (github.com/secure-systems-lab/dsse) around an in-toto statement, and the exact leaf that the log
// holds for it.
import { type Hash, sha256 } from "../cryptography/hash.ts";
import {
  importPublicKey,
  keyIdOf,
  type PublicKey,
  type VerifySignature,
  verifySignature,
} from "../cryptography/signature.ts";
import { decodeBase64, encodeBase64 } from "../encoding/base64.ts";
import { concatBytes } from "../encoding/bytes.ts";
import { encodeHex } from "../encoding/hex.ts";
import { readAs } from "../encoding/shape.ts";
import { decodeUtf8, utf8 } from "../encoding/text.ts";
import { MalformedError, VerificationError } from "../errors.ts";
import { type Token, type TokenKeyLookup, verifyToken } from "../identity/verify-token.ts";
import { parseCanonical } from "./canonical-json.ts";
import { type EnvelopeJson, envelopeJson, type SignatureIdentity } from "./dsse.shape.ts";
import { MAX_LEAF_BYTES, PAYLOAD_TYPE } from "./dsse-format.ts";
import { parseJson } from "./parse-json.ts";
import { parseStatement, type Statement } from "./statement.ts";

export type { EnvelopeJson, SignatureIdentity } from "./dsse.shape.ts";
export { MAX_LEAF_BYTES, PAYLOAD_TYPE } from "./dsse-format.ts";

/** How much longer an entry becomes when the log says when it took it. */
const TIME_BYTES = '"recordedAt":"2026-11-23T14:00:00Z",'.length;

export interface Signature {
  /** Hex SHA-256 of the signer's SPKI DER. */
  readonly keyId: string;
  /** 64 bytes: Ed25519, or ECDSA P-256 r‖s. */
  readonly signature: Uint8Array;
  /** Whose it is, where the key was made for this one signature and stands in no trust root. */
  readonly identity?: SignatureIdentity | undefined;
}

/**
 * An envelope that was read and whose statement is of a known kind; its signatures are not verified by that.
 * @example
 * ```ts
 * import type { Envelope } from "touchstone/protocol";
 * const signersClaimed = ({ signatures }: Envelope): string[] => signatures.map(({ keyId }) => keyId);
 * ```
 */
export interface Envelope {
  readonly payload: Uint8Array;
  /** SHA-256 of the payload, hex: the digest by which other entries refer to this one. */
  readonly payloadDigest: string;
  readonly statement: Statement;
  /** Sorted by key id, each key once. */
  readonly signatures: readonly Signature[];
  /** When the log took it, of an entry with an identity; null for others, and for one that no log has taken. */
  readonly recordedAt: string | null;
  /** The bytes of the log entry: the RFC 8785 form of the envelope. */
  readonly leaf: Uint8Array;
}

/** Who signed an envelope: keys of the trust root, and identity rules of it. */
export interface Signers {
  /** Key ids, sorted. */
  readonly signers: readonly string[];
  /** Ids of rules, each once, sorted. */
  readonly identities: readonly string[];
}

/** Who an envelope says has signed it; nothing is verified here. */
export function signersOf({ signatures }: Pick<Envelope, "signatures">): Signers {
  const rules = signatures.flatMap(({ identity }) => (identity ? [identity.rule] : []));
  return {
    signers: signatures.flatMap(({ identity, keyId }) => (identity ? [] : [keyId])),
    identities: [...new Set(rules)].sort(),
  };
}

/**
 * Pre-authentication encoding (DSSE protocol.md): the bytes that are signed.
 * @example
 * ```ts
 * import { preAuthEncoding } from "touchstone/protocol";
 * const sign = (payload: Uint8Array, key: CryptoKey): Promise<ArrayBuffer> =>
 *   crypto.subtle.sign("Ed25519", key, preAuthEncoding(payload).slice());
 * ```
 */
export function preAuthEncoding(payload: Uint8Array): Uint8Array {
  return concatBytes(utf8(`DSSEv1 ${PAYLOAD_TYPE.length} ${PAYLOAD_TYPE} ${payload.length} `), payload);
}

/**
 * Reads an envelope in any JSON form, and its statement.
 * @param hash a SHA-256; Node passes its native one.
 * @throws MalformedError: not strict JSON, not canonical base64, a key twice, over 65,535 bytes, or a statement that is not valid.
 * @example
 * ```ts
 * import { parseEnvelope } from "touchstone/protocol";
 * const kindOf = (file: Uint8Array): string => parseEnvelope(file).statement.kind;
 * ```
 */
export function parseEnvelope(bytes: Uint8Array, hash: Hash = sha256): Envelope {
  const json = readLeaf(bytes);
  return json === undefined
    ? envelopeFromJson(parseJson(bytes, 2 * MAX_LEAF_BYTES), hash)
    : open(json, bytes, hash);
}

export function envelopeFromJson(json: unknown, hash: Hash = sha256): Envelope {
  const envelope = checkEnvelope(json);
  return assemble(envelope, decodeBase64(envelope.payload), hash);
}

/**
 * Reads a log entry: an envelope that must already be in its one canonical form.
 * @param hash a SHA-256; Node passes its native one.
 * @returns an envelope whose `leaf` is the given bytes.
 * @throws MalformedError as parseEnvelope, and for every other form of the same envelope.
 * @example
 * ```ts
 * import { parseEntryBundle, parseLeaf, type Statement } from "touchstone/protocol";
 * const statementsOf = (bundle: Uint8Array, width: number): Statement[] =>
 *   parseEntryBundle(bundle, width).map((leaf) => parseLeaf(leaf).statement);
 * ```
 */
export function parseLeaf(leaf: Uint8Array, hash: Hash = sha256): Envelope {
  if (leaf.length > MAX_LEAF_BYTES)
    throw new MalformedError("log entry", `longer than ${MAX_LEAF_BYTES} bytes`);
  return requireTime(open(readLeaf(leaf) ?? judgeLeaf(leaf), leaf, hash));
}

/** The envelope in bytes that are exactly its leaf, as a program sends it and as the log holds it; undefined for every other text. */
function readLeaf(bytes: Uint8Array): EnvelopeJson | undefined {
  if (bytes.length > MAX_LEAF_BYTES) return undefined;
  try {
    const text = decodeUtf8(bytes);
    const { data } = envelopeJson.safeParse(JSON.parse(text));
    return data && isSorted(data) && leafText(data) === text ? data : undefined;
  } catch {
    return undefined;
  }
}

/** Says what is wrong with bytes that are no leaf, unless it is within the payload. */
function judgeLeaf(leaf: Uint8Array): EnvelopeJson {
  const json = checkEnvelope(parseCanonical(leaf, "log entry"));
  if (isSorted(json)) return json;
  throw new MalformedError("log entry", "its signatures are not sorted by key id", "/signatures");
}

function isSorted({ signatures }: EnvelopeJson): boolean {
  return signatures.every(({ keyid }, i) => i === 0 || keyid > (signatures[i - 1]?.keyid ?? ""));
}

/** The RFC 8785 form of an envelope in whose strings nothing needs a backslash. Others come out shorter than any JSON text of them. */
function leafText({ payload, recordedAt, signatures }: EnvelopeJson): string {
  const signed = signatures.map(
    ({ identity, keyid, sig }) => `{${identityText(identity)}"keyid":"${keyid}","sig":"${sig}"}`,
  );
  return `{"payload":"${payload}","payloadType":"${PAYLOAD_TYPE}",${timeText(recordedAt)}"signatures":[${signed.join(",")}]}`;
}

function identityText(identity: SignatureIdentity | undefined): string {
  if (identity === undefined) return "";
  const { jwt, rule, spki } = identity;
  return `"identity":{"jwt":"${jwt}","rule":"${rule}","spki":"${spki}"},`;
}

function timeText(recordedAt: string | undefined): string {
  return recordedAt === undefined ? "" : `"recordedAt":"${recordedAt}",`;
}

function checkEnvelope(json: unknown): EnvelopeJson {
  return readAs(envelopeJson, json, "DSSE envelope");
}

/** @param json of which `leaf` is the canonical text. */
function open(json: EnvelopeJson, leaf: Uint8Array, hash: Hash): Envelope {
  const payload = decodeBase64(json.payload);
  const statement = parseStatement(payload);
  const signatures = json.signatures.map(decodeSignature);
  const payloadDigest = encodeHex(hash(payload));
  const envelope = {
    payload,
    payloadDigest,
    statement,
    signatures,
    recordedAt: json.recordedAt ?? null,
    leaf,
  };
  checkTime(envelope);
  return envelope;
}

function decodeSignature({ identity, keyid, sig }: EnvelopeJson["signatures"][number]): Signature {
  const signature = { keyId: keyid, signature: decodeBase64(sig) };
  if (identity === undefined) return signature;
  if (keyIdOf(decodeBase64(identity.spki)) !== keyid)
    throw new MalformedError("DSSE envelope", `key ${keyid} is not the one of its identity`, "/signatures");
  return { ...signature, identity };
}

/** Whether a log must still say when it took the entry. */
export function needsTime({ signatures, recordedAt }: Pick<Envelope, "signatures" | "recordedAt">): boolean {
  return recordedAt === null && signatures.some(({ identity }) => identity !== undefined);
}

/** @throws MalformedError for an envelope that no log has taken. */
export function requireTime(envelope: Envelope): Envelope {
  if (needsTime(envelope))
    throw new MalformedError(
      "log entry",
      "an identity without the time at which it was recorded",
      "/recordedAt",
    );
  return envelope;
}

function checkTime(envelope: Envelope): void {
  const { recordedAt, signatures, leaf } = envelope;
  if (recordedAt !== null && signatures.every(({ identity }) => identity === undefined))
    throw new MalformedError("DSSE envelope", "only entries with an identity have it", "/recordedAt");
  const length = leaf.length + (needsTime(envelope) ? TIME_BYTES : 0);
  if (length > MAX_LEAF_BYTES) {
    throw new MalformedError(
      "DSSE envelope",
      `${length} bytes; at most ${MAX_LEAF_BYTES} fit, attach long lists`,
    );
  }
}

/**
 * Puts payload and signatures together; the same signatures in any order give the same leaf.
 * @example
 * ```ts
 * import { type Envelope, makeEnvelope } from "touchstone/protocol";
 * const unsigned = (payload: Uint8Array): Envelope => makeEnvelope(payload, []);
 * ```
 */
export function makeEnvelope(payload: Uint8Array, signatures: readonly Signature[]): Envelope {
  return assemble(formatEnvelope(payload, signatures, null), payload, sha256);
}

/**
 * The entry that a log makes of an envelope with an identity.
 * @param recordedAt RFC 3339, as entries hold times; null takes it away, as a client does who sends the entry again.
 */
export function recordAt(envelope: Envelope, recordedAt: string | null): Envelope {
  const { payload, signatures } = envelope;
  const leaf = utf8(leafText(formatEnvelope(payload, signatures, recordedAt)));
  return { ...envelope, recordedAt, leaf };
}

/** @param json an envelope whose base64 is canonical, or is found here not to be; @param payload its payload, decoded. */
function assemble(json: EnvelopeJson, payload: Uint8Array, hash: Hash): Envelope {
  const signatures = [...json.signatures].sort((a, b) => (a.keyid < b.keyid ? -1 : 1));
  if (signatures.some((s, i) => s.keyid === signatures[i + 1]?.keyid)) {
    throw new MalformedError("DSSE envelope", "one key signed twice", "/signatures");
  }
  const statement = parseStatement(payload);
  const decoded = signatures.map(decodeSignature);
  const leaf = utf8(leafText({ ...json, signatures }));
  const payloadDigest = encodeHex(hash(payload));
  const recordedAt = json.recordedAt ?? null;
  const envelope = { payload, payloadDigest, statement, signatures: decoded, recordedAt, leaf };
  checkTime(envelope);
  return envelope;
}

function formatEnvelope(
  payload: Uint8Array,
  signatures: readonly Signature[],
  recordedAt: string | null,
): EnvelopeJson {
  return {
    payload: encodeBase64(payload),
    payloadType: PAYLOAD_TYPE,
    ...(recordedAt !== null && { recordedAt }),
    signatures: signatures.map(({ identity, keyId, signature }) => ({
      ...(identity && { identity }),
      keyid: keyId,
      sig: encodeBase64(signature),
    })),
  };
}

/**
 * @example
 * ```ts
 * import { type Envelope, envelopeToJson } from "touchstone/protocol";
 * const textOf = (envelope: Envelope): string => JSON.stringify(envelopeToJson(envelope));
 * ```
 */
export function envelopeToJson(
  envelope: Pick<Envelope, "payload" | "signatures" | "recordedAt">,
): EnvelopeJson {
  return formatEnvelope(envelope.payload, envelope.signatures, envelope.recordedAt);
}

/** Finds the key with this id among those a trust root lists, or undefined. */
export type KeyLookup = (keyId: string) => PublicKey | undefined;

/** Why the signatures of an envelope are refused. */
export type EnvelopeCode = "signature-unknown-key" | "signature-invalid" | "token-invalid";

/**
 * An envelope every signature of which was verified. Only verifyEnvelope makes one.
 * @example
 * ```ts
 * import type { VerifiedEnvelope } from "touchstone/protocol";
 * const publishers = ({ signers, statement }: VerifiedEnvelope): string => `${statement.name}: ${signers.join(", ")}`;
 * ```
 */
export interface VerifiedEnvelope extends Envelope, Signers {
  /** The tokens of its identities, each signed by its provider. What they say is for registration to judge. */
  readonly tokens: readonly SignedToken[];
}

/** A token, and the signature that it vouches for. */
export interface SignedToken extends Token {
  readonly rule: string;
  /** Id of the key that signed the envelope. */
  readonly keyId: string;
}

/**
 * Verifies every signature, and the provider's signature on every token; nothing is silently dropped.
 * @param verify checks one signature; Node may pass a native one.
 * @param providers finds the keys of providers of identities; without it, no token is taken.
 * @throws VerificationError "signature-unknown-key" | "signature-invalid" | "token-invalid", naming the key.
 * @example
 * ```ts
 * import { KeyRing, parseEnvelope, type VerifiedEnvelope, verifyEnvelope } from "touchstone/protocol";
 * const ring = new KeyRing();
 * const verify = (file: Uint8Array): Promise<VerifiedEnvelope> => verifyEnvelope(parseEnvelope(file), (keyId) => ring.lookup(keyId));
 * ```
 */
export async function verifyEnvelope(
  envelope: Envelope,
  keys: KeyLookup,
  verify: VerifySignature = verifySignature,
  providers: TokenKeyLookup = () => [],
): Promise<VerifiedEnvelope> {
  const message = preAuthEncoding(envelope.payload);
  const tokens = await Promise.all(
    envelope.signatures.map(async ({ identity, keyId, signature }): Promise<SignedToken[]> => {
      const key = identity ? await importEphemeral(identity.spki) : keys(keyId);
      if (key === undefined || key.algorithm === "ecdsa-p384-sha384") {
        throw new VerificationError<EnvelopeCode>(
          "signature-unknown-key",
          `key ${keyId} is not in the trust root; sign with a key that is`,
        );
      }
      if (!(await verify(key, message, signature))) {
        throw new VerificationError<EnvelopeCode>(
          "signature-invalid",
          `the signature by key ${keyId} does not verify; sign the payload again`,
        );
      }
      return identity
        ? [{ rule: identity.rule, keyId, ...(await verifyToken(identity.jwt, providers)) }]
        : [];
    }),
  );
  return { ...envelope, ...signersOf(envelope), tokens: tokens.flat() };
}

/** Undefined for what is no usable key. */
async function importEphemeral(spki: string): Promise<PublicKey | undefined> {
  try {
    return await importPublicKey(decodeBase64(spki));
  } catch {
    return undefined;
  }
}
