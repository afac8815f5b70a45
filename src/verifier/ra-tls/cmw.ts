// Reads `touchstone-ra-tls/v1`: evidence.json in a Conceptual Message Wrapper, in the certificate extension that is meant for them (IETF
// RATS, draft-ietf-rats-msg-wrap §4.4: id-pe-cmw, 1.3.6.1.5.5.7.1.35).
import { decodeStrictCbor } from "../../protocol/cose/cbor.ts";
import { MalformedError } from "../../protocol/errors.ts";
import { derOctets, readDer } from "../x509/der.ts";

const FORMAT = "Conceptual Message Wrapper";
/** Media type of evidence.json. */
export const EVIDENCE_MEDIA_TYPE = "application/vnd.touchstone.evidence.v1+json";

/**
 * The bytes of evidence.json: CMW ::= CHOICE { json UTF8String, cbor OCTET STRING }, in its second choice, with the CBOR record
 * [media type, value].
 * @throws MalformedError for every other wrapper, those of other evidence included.
 */
export function parseEvidenceWrapper(extension: Uint8Array): Uint8Array {
  const record = decodeStrictCbor(derOctets(readDer(extension)), FORMAT);
  const [type, value, ...rest] = Array.isArray(record) ? record : [];
  if (type !== EVIDENCE_MEDIA_TYPE || !(value instanceof Uint8Array) || rest.length > 0) {
    throw new MalformedError(FORMAT, `expected the record [${EVIDENCE_MEDIA_TYPE}, value]`);
  }
  return value;
}
