// Defines the store that the log trusts with everything it must not lose. Its comments are the contract that every back end keeps.
// Who of several may write is told in leadership.ts.
import type { Attachment } from "../../protocol/entry/attachment.ts";
import type { Kind } from "../../protocol/entry/kinds.ts";
import type { EntryRecord, KnownEntry } from "../../protocol/registration/references.ts";
import type { TileStore } from "./tile-store.ts";

export interface TreeHead {
  readonly size: number;
  /** 32 bytes. */
  readonly root: Uint8Array;
}

/** An entry on its way into the store, with everything that finds it again. */
export interface NewEntry {
  readonly index: number;
  readonly leaf: Uint8Array;
  /** Hex SHA-256 of the payload. No two entries have the same. */
  readonly payloadDigest: string;
  readonly kind: Kind;
  readonly name: string;
  readonly version: string;
  readonly signers: readonly string[];
  /** Ids of the tokens of its identities, hex: no two entries have the same. */
  readonly tokens: readonly string[];
  /** Hex digests that the statement names, each once. */
  readonly digests: readonly string[];
}

/** A tile as it is after an append. `inner` as in StoredTile. */
export interface TileWrite {
  readonly level: number;
  readonly index: number;
  readonly hashes: Uint8Array;
  readonly inner: Uint8Array | null;
}

/** A document that an entry names, on its way into the store with that entry. */
export interface NewAttachment {
  /** Hex SHA-256 of the bytes, which the caller has checked. */
  readonly digest: string;
  /** 1 byte to 16 MiB. */
  readonly bytes: Uint8Array;
}

export interface Append {
  /** One after the other, the first at index `expectedSize`. */
  readonly entries: readonly NewEntry[];
  /** Every tile that the entries change. */
  readonly tiles: readonly TileWrite[];
  /** What the entries name and the store does not hold yet; one that it does hold changes nothing. */
  readonly attachments: readonly NewAttachment[];
  readonly head: TreeHead;
}

/** A checkpoint that was published, with its cosignatures. */
export interface PublishedCheckpoint {
  readonly size: number;
  /** POSIX seconds: at this time the quorum had cosigned. */
  readonly cosignedAt: number;
  /** The signed note. */
  readonly note: string;
}

export interface SearchQuery {
  readonly kind?: Kind | undefined;
  readonly name?: string | undefined;
  readonly version?: string | undefined;
  /** Any digest in subject or predicate: 64, 96 or 128 lower-case hex digits. */
  readonly digest?: string | undefined;
  /** Key id of a signer. */
  readonly publisher?: string | undefined;
  /** Only entries with an index below this one; a page's `next` continues it. */
  readonly before: number;
  readonly limit: number;
}

export interface SearchPage {
  /** Newest first. There may be none though there is a next page: a search examines so many rows and no more. */
  readonly indexes: readonly number[];
  /** `before` of the next page, or null when nothing older is left to find. */
  readonly next: number | null;
  /** Rows of the store that were looked at. */
  readonly examined: number;
}

/** What makes an entry unique, apart from its payload. */
export interface Identity {
  readonly kind: string;
  readonly name: string;
  readonly version: string;
}

/** What is asked of a store before entries are decided. Each list may name something twice. */
export interface Lookup {
  /** Hex SHA-256 of payloads. */
  readonly digests: readonly string[];
  readonly identities: readonly Identity[];
  readonly attachments: ReadonlyArray<Pick<Attachment, "digest" | "size">>;
  /** Ids of tokens. */
  readonly tokens: readonly string[];
}

/** What a store has of it, in any order, each once. */
export interface Found {
  /** The entries whose payloads have the digests, as the rules need them. */
  readonly entries: readonly EntryRecord[];
  /** The entries that have the identities. This costs no reading of entries. */
  readonly identities: readonly KnownEntry[];
  /** The attachments of that digest and that size. */
  readonly attachments: ReadonlyArray<Pick<Attachment, "digest" | "size">>;
  /** The tokens by which entries were published. */
  readonly tokens: readonly string[];
}

/** Finding what was registered before: all that registration asks of a store. */
export interface EntryLookup {
  /** Everything at once, however much is asked for: a batch costs one answer of the store. */
  lookup(asked: Partial<Lookup>): Promise<Found>;
}

/** What somebody has seen of a log: the newest append, and the time of the newest checkpoint. */
export interface Seen {
  readonly size: number;
  /** POSIX seconds; null before the first checkpoint. */
  readonly cosignedAt: number | null;
}

/** What a store has beyond what somebody knows. */
export interface News {
  readonly head: TreeHead;
  /** The newest one, which the head covers. */
  readonly checkpoint: PublishedCheckpoint | undefined;
  /** Entries under the head, in their order. */
  readonly leaves: readonly Uint8Array[];
}

/** Reads a log's memory: any number of them, beside the one that writes. What a writer's call has resolved is seen by every later call. */
export interface LogReader extends TileStore, EntryLookup {
  /** The tree of the newest append. */
  head(): Promise<TreeHead>;

  /** What is new to somebody who knows `from` entries: at most `limit` of the entries that follow. It costs one answer of the store. */
  news(from: number, limit: number): Promise<News>;

  /** The entries with these indexes, in their order. @throws Error when one of them is not there. */
  readEntries(indexes: readonly number[]): Promise<Uint8Array[]>;

  /** One page of entries. What it costs is bounded, however many entries there are and whatever is asked for. */
  search(query: SearchQuery): Promise<SearchPage>;

  /**
   * Indexes below `size`, in order, each once, of the entries from which follows what was in force at that size: every trust root,
   * revocation and identity-keys, the newest policy of each name, the newest status, and the newest entry with an identity. None where the
   * store is a replica that has fewer entries yet.
   */
  entriesInForce(size: number): Promise<number[]>;

  newestCheckpoint(): Promise<PublishedCheckpoint | undefined>;
  /** The first published checkpoint of at least `size` entries. */
  firstCheckpointCovering(size: number): Promise<PublishedCheckpoint | undefined>;
  /** Published checkpoints of at least `size` entries, oldest first, at most `limit`. */
  checkpointsFrom(size: number, limit: number): Promise<PublishedCheckpoint[]>;

  /** The attachment with this hex SHA-256. */
  attachment(digest: string): Promise<Uint8Array | undefined>;

  /**
   * Resolves when something newer than `seen` may be there: the store said so, a look at it did, or `timeoutMs` are over. At once when
   * the signal is aborted. Whoever waits reads what there is; a notice may be missed, or come for nothing.
   */
  changed(seen: Seen, timeoutMs: number, signal: AbortSignal): Promise<void>;

  close(): Promise<void>;
}

/**
 * Writes a log's memory. One at a time has the epoch that is current, and its calls are carried out one after the other, in their order.
 * What has failed has not happened, unless the reader's `head` says so. What is passed to a call is read before it returns its promise.
 */
export interface LogWriter {
  /** Larger than that of every writer before. */
  readonly epoch: number;

  /** When the epoch began, by the store's own clock; by this machine's where the store has none. */
  readonly takenAt: Date;

  /**
   * When it was known last that nobody else leads, milliseconds of `performance.now`: the sending of the newest commit that extended the
   * lease. A store without leases says now.
   */
  readonly renewedAt: number;

  /** Aborted once, when this writer can write no more: its session is gone, its lease is over, or a newer epoch was seen. The reason is a LeadershipLostError. */
  readonly lost: AbortSignal;

  /**
   * Compare-and-swap on the tree size: in one transaction everything of `append` is written, or nothing is. It is durable once this
   * resolves.
   * @throws ConflictError when the tree is not of `expectedSize`, LeadershipLostError when the epoch is over: nothing was written.
   * UnknownOutcomeError when that cannot be known.
   */
  append(expectedSize: number, append: Append): Promise<void>;

  /**
   * Keeps a checkpoint that the quorum has cosigned. It is durable with the next append or the closing at the latest: a crash of the
   * machine before that may take it back, and with it nothing that does not follow again from the entries and the high-water mark. A
   * store that other machines read from makes it durable at once.
   * @throws LeadershipLostError
   */
  addCheckpoint(checkpoint: PublishedCheckpoint): Promise<void>;

  /** Commits something durably that changes nothing. @throws where an append would fail, since the disk is full or takes no writes. */
  probe(): Promise<void>;

  /**
   * Extends the lease, by a commit as durable as an append; a store without leases only looks whether the epoch is still its own.
   * @throws LeadershipLostError
   */
  renew(): Promise<void>;

  /** Gives the epoch up: whoever waits for the next one has it at once. */
  close(): Promise<void>;
}

/** The log's memory, open for writing by one process; opening it for writing twice fails at once. `close` closes both halves. */
export interface LogStore extends LogReader, LogWriter {}
