// Takes from a leaf what the registration rules and the search index need of an entry.
import { decodeBase64 } from "../../protocol/encoding/base64.ts";
import { decodeUtf8 } from "../../protocol/encoding/text.ts";
import { type Envelope, parseLeaf, signersOf, type VerifiedEnvelope } from "../../protocol/envelope/dsse.ts";
import { digestsOf } from "../../protocol/lookup/term.ts";
import type { EntryRecord } from "../../protocol/registration/references.ts";
import { recordOf } from "../../protocol/registration/register.ts";

/** What an entry that is in the log says of itself. Its signatures were verified before it got there. */
export function recordOfLeaf(leaf: Uint8Array, index: number): EntryRecord {
  return recordOf(withSigners(parseLeaf(leaf)), index);
}

/** An envelope of the log with its signers, and without what its tokens say; nothing is verified here. */
export function withSigners(envelope: Envelope): VerifiedEnvelope {
  return { ...envelope, ...signersOf(envelope), tokens: [] };
}

/** Whether an entry names a digest: indexes hold the beginning of each, the entry all of it. */
export function namesDigest(leaf: Uint8Array, digest: string): boolean {
  const { payload } = JSON.parse(decodeUtf8(leaf)) as { payload: string };
  return digestsOf({ payload: decodeBase64(payload) }).includes(digest);
}
