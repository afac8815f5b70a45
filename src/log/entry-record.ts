// What the registration rules and the search index need of an entry, taken from its leaf.
import { type Envelope, parseLeaf } from "../protocol/envelope/dsse.ts";
import type { EntryRecord } from "../protocol/registration/references.ts";
import { recordOf } from "../protocol/registration/register.ts";

/** What an entry that is in the log says of itself. Its signatures were verified before it got there. */
export function recordOfLeaf(leaf: Uint8Array, index: number): EntryRecord {
  return recordOf(asLogged(parseLeaf(leaf)), index);
}

/** An envelope of the log with its signers; nothing is verified here. */
export function asLogged(envelope: Envelope): Envelope & { readonly signers: readonly string[] } {
  return { ...envelope, signers: envelope.signatures.map(({ keyId }) => keyId) };
}

/** SHA-256, SHA-384 and SHA-512 in hex, standing alone. */
const DIGEST = /(?<![0-9a-f])(?:[0-9a-f]{128}|[0-9a-f]{96}|[0-9a-f]{64})(?![0-9a-f])/g;
/** An entry of 65,535 bytes holds fewer; the limit is for the reader's peace of mind. */
const MAX_DIGESTS = 1024;

/** Every digest that a statement names in subject or predicate, each once. */
export function digestsOf(envelope: Pick<Envelope, "payload">): string[] {
  const text = Buffer.from(
    envelope.payload.buffer,
    envelope.payload.byteOffset,
    envelope.payload.length,
  ).toString("latin1");
  return [...new Set(text.match(DIGEST))].slice(0, MAX_DIGESTS);
}
