// Takes from a leaf what the registration rules and the search index need of an entry.
import { type Envelope, parseLeaf, signersOf, type VerifiedEnvelope } from "../../protocol/envelope/dsse.ts";
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

/** Runs of hex digits at least as long as a SHA-256. Those of exactly the length of SHA-256, SHA-384 or SHA-512 are digests. */
const HEX_RUN = /[0-9a-f]{64,}/g;
const DIGEST_LENGTHS: readonly number[] = [64, 96, 128];
/** An entry of 65,535 bytes holds fewer: the limit cannot be reached. */
const MAX_DIGESTS = 1024;

/** Every digest that a statement names in subject or predicate, each once. */
export function digestsOf(envelope: Pick<Envelope, "payload">): string[] {
  const { buffer, byteOffset, length } = envelope.payload;
  const runs = Buffer.from(buffer, byteOffset, length).toString("latin1").match(HEX_RUN) ?? [];
  return [...new Set(runs.filter((run) => DIGEST_LENGTHS.includes(run.length)))].slice(0, MAX_DIGESTS);
}
