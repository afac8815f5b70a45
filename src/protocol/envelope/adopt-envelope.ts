// Turns DSSE envelopes that others' signers wrote into the log's form, where that loses nothing that counts. The specification lets them
// write base64 of either alphabet, leave `keyid` out or make up one, and add members; the log has one form for each envelope.
import { fromDer } from "../cryptography/ecdsa-signature.ts";
import { importPublicKey, type PublicKey, verifySignature } from "../cryptography/signature.ts";
import { decodeBase64, encodeBase64 } from "../encoding/base64.ts";
import { MalformedError, printable, VerificationError } from "../errors.ts";
import {
  type Envelope,
  type EnvelopeCode,
  MAX_LEAF_BYTES,
  makeEnvelope,
  PAYLOAD_TYPE,
  preAuthEncoding,
  type Signature,
} from "./dsse.ts";
import { MAX_SIGNATURES } from "./dsse-format.ts";
import { parseJson } from "./parse-json.ts";
import { parseStatement, type Statement } from "./statement.ts";

const FORMAT = "DSSE envelope";
/** White space and members of others count, too. */
const MAX_BYTES = 4 * MAX_LEAF_BYTES;

/**
 * @example
 * ```ts
 * import type { AdoptedEnvelope } from "touchstone/protocol";
 * const isAsGiven = ({ changes }: AdoptedEnvelope): boolean => changes.length === 0;
 * ```
 */
export interface AdoptedEnvelope {
  /** In the log's form, its payload byte for byte what was signed. Every signature verifies under one of the keys. */
  readonly envelope: Envelope;
  /** What is otherwise than in the envelope that was given, a sentence for each; none where it had the log's form. */
  readonly changes: readonly string[];
}

/**
 * Reads an envelope of any DSSE signer. Keys are found by trying, where `keyid` does not name one; a signature by none of them is left out,
 * since the log takes no signature that it cannot check.
 * @param spkis base64 of the SPKI DER of the keys that may sign, as a trust root lists them.
 * @throws MalformedError where it is no DSSE envelope, or its payload is no statement in RFC 8785 form: to change that would take the
 *   signatures' object away. VerificationError "signature-unknown-key" where none of the keys signed; "signature-invalid" where one is named
 *   and did not.
 * @example
 * ```ts
 * import { adoptEnvelope, type Envelope } from "touchstone/protocol";
 * const fromStockSigner = async (file: Uint8Array, trusted: string[]): Promise<Envelope> =>
 *   (await adoptEnvelope(file, trusted)).envelope;
 * ```
 */
export async function adoptEnvelope(bytes: Uint8Array, spkis: readonly string[]): Promise<AdoptedEnvelope> {
  const changes: string[] = [];
  const {
    payload: payloadText,
    payloadType,
    signatures,
    ...rest
  } = objectIn(parseJson(bytes, MAX_BYTES), "");
  if (payloadType !== PAYLOAD_TYPE)
    throw new MalformedError(FORMAT, `the log takes payloads of type ${PAYLOAD_TYPE}`, "/payloadType");
  if (!Array.isArray(signatures) || signatures.length === 0 || signatures.length > MAX_SIGNATURES)
    throw new MalformedError(FORMAT, `expected 1 to ${MAX_SIGNATURES} signatures`, "/signatures");
  changes.push(...namesOf(rest, "the envelope"));
  const payload = decodeAny(payloadText, "/payload", changes);
  const statement = readStatement(payload);
  // The holders of a new trust root's keys consent to it, before any log knows them.
  const own = statement.kind === "trust-root" ? statement.predicate.keys : [];
  const keys = await Promise.all([...spkis, ...own].map((spki) => importPublicKey(decodeBase64(spki))));
  const found = new Map<string, Signature>();
  for (const [i, signature] of signatures.entries()) {
    const adopted = await adoptSignature(signature, i, payload, keys, changes);
    if (adopted === undefined) continue;
    if (found.has(adopted.keyId))
      changes.push(`signature ${i + 1} left out: key ${adopted.keyId} signs once`);
    else found.set(adopted.keyId, adopted);
  }
  if (found.size === 0)
    throw new VerificationError<EnvelopeCode>(
      "signature-unknown-key",
      "no signature is by a key of the trust root; sign with a key that is in it",
    );
  return { envelope: makeEnvelope(payload, [...found.values()]), changes };
}

/** Whoever signed has signed these bytes: another form of the same statement has no signature. */
function readStatement(payload: Uint8Array): Statement {
  try {
    return parseStatement(payload);
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
    throw new MalformedError(
      error.format,
      `${error.detail}; the payload is what was signed and is never written anew: have the statement signed as 'touchstone describe' writes it`,
      error.at,
    );
  }
}

async function adoptSignature(
  json: unknown,
  i: number,
  payload: Uint8Array,
  keys: readonly PublicKey[],
  changes: string[],
): Promise<Signature | undefined> {
  const at = `/signatures/${i}`;
  const { keyid, sig, ...rest } = objectIn(json, at);
  if (keyid !== undefined && keyid !== null && typeof keyid !== "string")
    throw new MalformedError(FORMAT, "keyid is no text", at);
  const said: string[] = namesOf(rest, `signature ${i + 1}`);
  const bytes = decodeAny(sig, `${at}/sig`, said);
  const key = await keyOf(bytes, preAuthEncoding(payload), keys, keyid ?? "");
  if (key === undefined) {
    changes.push(`signature ${i + 1} left out: it is by no key of the trust root`);
    return undefined;
  }
  if (key.publicKey.keyId !== keyid)
    said.push(`signature ${i + 1} is by key ${key.publicKey.keyId}, which its keyid did not say`);
  if (key.signature !== bytes) said.push(`signature ${i + 1} was DER, and is r and s`);
  changes.push(...said);
  return { keyId: key.publicKey.keyId, signature: key.signature };
}

async function keyOf(bytes: Uint8Array, message: Uint8Array, keys: readonly PublicKey[], keyid: string) {
  const named = keys.find(({ keyId }) => keyId === keyid);
  for (const publicKey of named === undefined ? keys : [named]) {
    const der = publicKey.algorithm === "ecdsa-p256-sha256" ? fromDer(bytes) : undefined;
    for (const signature of der === undefined ? [bytes] : [bytes, der])
      if (await verifySignature(publicKey, message, signature)) return { publicKey, signature };
  }
  if (named === undefined) return undefined;
  throw new VerificationError<EnvelopeCode>(
    "signature-invalid",
    `the signature by key ${named.keyId} does not verify; sign the payload again`,
  );
}

/** Base64 of either alphabet, padded or not, with no character that is of neither. */
function decodeAny(text: unknown, at: string, changes: string[]): Uint8Array {
  if (typeof text !== "string" || !/^(?:[A-Za-z0-9+/]*|[A-Za-z0-9_-]*)={0,2}$/.test(text))
    throw new MalformedError(FORMAT, "expected base64, standard or url-safe", at);
  const standard = text.replaceAll("-", "+").replaceAll("_", "/").replace(/=+$/, "");
  try {
    const bytes = decodeBase64(standard.padEnd(Math.ceil(standard.length / 4) * 4, "="));
    if (encodeBase64(bytes) !== text)
      changes.push(`${at.slice(1)} is written in standard base64 with padding`);
    return bytes;
  } catch (error) {
    throw error instanceof MalformedError ? new MalformedError(FORMAT, error.detail, at) : error;
  }
}

function objectIn(json: unknown, at: string): Record<string, unknown> {
  if (typeof json === "object" && json !== null && !Array.isArray(json))
    return json as Record<string, unknown>;
  throw new MalformedError(FORMAT, "expected an object", at);
}

/** What no signature covers is no loss; that it is gone is said all the same. */
function namesOf(rest: Readonly<Record<string, unknown>>, where: string): string[] {
  return Object.keys(rest).map((name) => `member ${printable(name, 64)} of ${where} left out`);
}
