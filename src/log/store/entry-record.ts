// Takes from a leaf what the registration rules and the search index need of an entry.
import { type Envelope, parseLeaf, signersOf, type VerifiedEnvelope } from "../../protocol/envelope/dsse.ts";
import type { EntryRecord } from "../../protocol/registration/references.ts";
import { recordOf } from "../../protocol/registration/register.ts";

/** By which a search finds an entry: what the index finds it by, too. */
export { digestsOf } from "../../protocol/lookup/term.ts";

/** What an entry that is in the log says of itself. Its signatures were verified before it got there. */
export function recordOfLeaf(leaf: Uint8Array, index: number): EntryRecord {
  return recordOf(withSigners(parseLeaf(leaf)), index);
}

/** An envelope of the log with its signers, and without what its tokens say; nothing is verified here. */
export function withSigners(envelope: Envelope): VerifiedEnvelope {
  return { ...envelope, ...signersOf(envelope), tokens: [] };
}
