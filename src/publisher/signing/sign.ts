// Signs: statement to envelope, one signer after another, on machines that need not know the log.
import type { Signer } from "../../node/signing/signer.ts";
import { utf8 } from "../../protocol/encoding/text.ts";
import { canonicalize } from "../../protocol/envelope/canonical-json.ts";
import {
  type Envelope,
  envelopeFromJson,
  MAX_LEAF_BYTES,
  makeEnvelope,
  preAuthEncoding,
  type Signature,
} from "../../protocol/envelope/dsse.ts";
import { parseJson } from "../../protocol/envelope/parse-json.ts";
import { parseStatement } from "../../protocol/envelope/statement.ts";
import { MalformedError } from "../../protocol/errors.ts";

/** A statement that is to be signed, with the signatures that it has already. */
export interface Signable {
  readonly payload: Uint8Array;
  readonly signatures: readonly Signature[];
}

/**
 * Reads an envelope that others signed before, or a statement in any JSON form: what is signed is its RFC 8785 form.
 * @throws MalformedError when it is neither.
 */
export function parseSignable(bytes: Uint8Array): Signable {
  const json = parseJson(bytes, 2 * MAX_LEAF_BYTES);
  if (json !== null && typeof json === "object" && "payloadType" in json) return envelopeFromJson(json);
  const payload = utf8(canonicalize(json));
  parseStatement(payload);
  return { payload, signatures: [] };
}

/** Adds a signature by each signer, asked one after another. @throws MalformedError when one has signed already. */
export async function signEnvelope(
  { payload, signatures }: Signable,
  signers: readonly Signer[],
): Promise<Envelope> {
  const message = preAuthEncoding(payload);
  const ids = [...signatures, ...signers].map(({ keyId }) => keyId);
  const twice = ids.find((keyId, i) => ids.indexOf(keyId) !== i);
  if (twice !== undefined) throw new MalformedError("DSSE envelope", `key ${twice} has signed it already`);
  const all = [...signatures];
  for (const signer of signers) all.push({ keyId: signer.keyId, signature: await signer.sign(message) });
  return makeEnvelope(payload, all);
}
