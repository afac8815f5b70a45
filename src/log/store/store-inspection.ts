// Defines what fsck asks of a store: how much it holds, and where its indexes lead. LogStore does not show that, since nobody else
// should look.
import type { LogStore } from "./log-store.ts";

export interface StoreCounts {
  readonly entries: number;
  /** Index of the newest entry, −1 when there is none. */
  readonly newest: number;
  /** Rows of the index of digests. */
  readonly digests: number;
  /** Rows of the index of signers. */
  readonly signers: number;
  readonly tiles: number;
}

/** What an entry is found by, apart from its payload and its name. */
export interface IndexedBy {
  /** Hex digests that the statement names, each once. */
  readonly digests: readonly string[];
  /** Key ids. */
  readonly signers: readonly string[];
}

export interface StoreInspection {
  /** The back end's own complaints about its structure; none when it is sound. */
  integrity(): Promise<string[]>;
  counts(): Promise<StoreCounts>;
  /** Whether the indexes lead to the entry from each of these. */
  leadsTo(index: number, by: IndexedBy): Promise<boolean>;
  /** Rows that the index of digests has for an entry which names these; it may hold only the beginning of each. */
  digestRows(digests: readonly string[]): number;
  /** Hex SHA-256 under which attachments are stored. */
  attachmentDigests(): Promise<string[]>;
}

export interface InspectedStore extends LogStore {
  readonly inspection: StoreInspection;
}
