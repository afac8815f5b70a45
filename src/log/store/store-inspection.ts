// Defines what fsck asks of a store: how much it holds, and where its indexes lead. LogReader does not show that, since nobody else
// should look.
import type { LogReader } from "./log-store.ts";

export interface StoreCounts {
  readonly entries: number;
  /** Index of the newest entry, −1 when there is none. */
  readonly newest: number;
  /** Rows of the index of digests. */
  readonly digests: number;
  /** Rows of the index of signers. */
  readonly signers: number;
  /** Rows of the index of tokens. */
  readonly tokens: number;
  readonly tiles: number;
}

/** What an entry is found by, apart from its payload and its name. */
export interface IndexedBy {
  /** Hex digests that the statement names, each once. */
  readonly digests: readonly string[];
  /** Key ids. */
  readonly signers: readonly string[];
  /** Ids of tokens. */
  readonly tokens: readonly string[];
}

export interface StoreInspection {
  /** The back end's own complaints about its structure; none when it is sound. */
  integrity(): Promise<string[]>;
  counts(): Promise<StoreCounts>;
  /** The entry that the index of payloads has for a hex SHA-256. */
  indexOf(payloadDigest: string): Promise<number | undefined>;
  /** Whether the indexes lead to the entry from each of these. */
  leadsTo(index: number, by: IndexedBy): Promise<boolean>;
  /** Rows that the index of digests has for an entry which names these; it may hold only the beginning of each. */
  digestRows(digests: readonly string[]): number;
  /** Hex SHA-256 under which attachments are stored. */
  attachmentDigests(): Promise<string[]>;
}

/** A store as it was at one moment, for reading. */
export interface InspectedStore extends LogReader {
  readonly inspection: StoreInspection;
}
