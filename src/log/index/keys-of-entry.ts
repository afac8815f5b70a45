// Says by which keys of the index an entry is found.
import { nativeSha256 } from "../../node/sha256.ts";
import type { Envelope } from "../../protocol/envelope/dsse.ts";
import { keyOfTerm, termsOf } from "../../protocol/lookup/term.ts";

/** The keys of an entry, 32 bytes each, each once. */
export function keysOfEntry(
  envelope: Pick<Envelope, "payload" | "payloadDigest" | "statement" | "signatures">,
): Uint8Array[] {
  return termsOf(envelope).map((term) => keyOfTerm(term, nativeSha256));
}
