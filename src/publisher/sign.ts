// Signing: statement to envelope, one signer after another, on machines that need not know the log.
import {
  type Envelope,
  makeEnvelope,
  parseEnvelope,
  preAuthEncoding,
  type Signature,
} from "../protocol/envelope/dsse.ts";
import { parseStatement } from "../protocol/envelope/statement.ts";
import { MalformedError } from "../protocol/errors.ts";
import type { SigningKey } from "./signing-key.ts";

/** A statement that is to be signed, with the signatures that it has already. */
export interface Signable {
  readonly payload: Uint8Array;
  readonly signatures: readonly Signature[];
}

/** Reads a statement, or an envelope that others signed before. @throws MalformedError when it is neither. */
export function parseSignable(bytes: Uint8Array): Signable {
  try {
    return parseEnvelope(bytes);
  } catch (notEnvelope) {
    if (looksLikeEnvelope(bytes)) throw notEnvelope;
    parseStatement(bytes);
    return { payload: bytes, signatures: [] };
  }
}

/** Adds a signature by each key. @throws MalformedError when a key has signed already. */
export function signEnvelope({ payload, signatures }: Signable, keys: readonly SigningKey[]): Envelope {
  const message = preAuthEncoding(payload);
  const added = keys.map((key) => ({ keyId: key.keyId, signature: key.sign(message) }));
  const all = [...signatures, ...added];
  const twice = all.find(({ keyId }, i) => all.findIndex((other) => other.keyId === keyId) !== i);
  if (twice !== undefined)
    throw new MalformedError("DSSE envelope", `key ${twice.keyId} has signed it already`);
  return makeEnvelope(payload, all);
}

function looksLikeEnvelope(bytes: Uint8Array): boolean {
  return new TextDecoder().decode(bytes.subarray(0, 200_000)).includes('"payloadType"');
}
