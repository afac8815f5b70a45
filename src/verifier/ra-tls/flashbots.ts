// Reads Flashbots' attested-tls message (flashbots/attested-tls, crates/attestation): JSON that stands where dstack has the quote.
import { readAs } from "../../protocol/encoding/shape.ts";
import { parseJson } from "../../protocol/envelope/parse-json.ts";
import { attestedTlsMessage } from "./flashbots.shape.ts";

/** A quote written as a JSON array of numbers takes up to four characters for each byte. */
const MAX_MESSAGE_BYTES = 256 * 1024;
const OPENING_BRACE = 0x7b;

/** Whether bytes that should be a quote are this message instead: no quote begins with a brace. */
export function isAttestedTlsMessage(bytes: Uint8Array): boolean {
  return bytes[0] === OPENING_BRACE;
}

/** The quote in the message. @throws MalformedError for Azure (its quote is of a vTPM), no attestation, and anything else. */
export function parseAttestedTlsMessage(bytes: Uint8Array): Uint8Array {
  return Uint8Array.from(
    readAs(attestedTlsMessage, parseJson(bytes, MAX_MESSAGE_BYTES), "attested-tls message").attestation,
  );
}
