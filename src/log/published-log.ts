// Reads the log: only what is under the published checkpoint, so that everything shown can be proven.
import { LRUCache } from "lru-cache";
import { nativeSha256 } from "../node/sha256.ts";
import { type Envelope, parseLeaf } from "../protocol/envelope/dsse.ts";
import { hashLeaf } from "../protocol/merkle/hash.ts";
import { encodeEntryBundle, TILE_WIDTH, tileWidth } from "../protocol/merkle/tile.ts";
import { type InForce, NOTHING_IN_FORCE } from "../protocol/registration/in-force.ts";
import type { EntryRecord, KnownEntry } from "../protocol/registration/references.ts";
import { Publication, type Published } from "./checkpointing/publication.ts";
import { LogUnavailableError } from "./errors.ts";
import type { KeyFound } from "./index/index-file.ts";
import type { LogIndex, StatedIndex } from "./index/log-index.ts";
import type { LogReader, PublishedCheckpoint, SearchPage, SearchQuery } from "./store/log-store.ts";
import { readLeaf } from "./store/read-leaf.ts";
import { readTile } from "./store/read-tile.ts";
import { type ProvenLeaf, Prover } from "./tree/prover.ts";

export interface StoredEntry {
  readonly index: number;
  readonly leaf: Uint8Array;
  /** 32 bytes. */
  readonly leafHash: Uint8Array;
}

/** An entry, read. */
export interface ReadEntry extends StoredEntry {
  readonly envelope: Envelope;
}

/** Leaves of the read entries that are kept, bytes. Entries never change, and the newest, and those in force, are asked for all the time. */
const KEPT_BYTES = 8 * 1024 * 1024;

/** What readers see. A node's outlives the logs that lead from it. */
export interface Shown {
  readonly publication: Publication;
  readonly read: PublishedLog;
  readonly index: LogIndex | undefined;
}

/** @param newest what is shown first, or null. @param index taken up with every publication. */
export function showing(store: LogReader, newest: Published | null, index: LogIndex | undefined): Shown {
  const publication = new Publication(newest);
  const prover = new Prover(store, () => publication.newest?.edge ?? null);
  publication.onPublished(() => index?.wake());
  return { publication, read: new PublishedLog(store, prover, publication, index), index };
}

export class PublishedLog {
  readonly #store: LogReader;
  readonly #prover: Prover;
  readonly #publication: Publication;
  readonly #index: Pick<LogIndex, "find"> | undefined;
  readonly #read = new LRUCache<number, ReadEntry>({
    maxSize: KEPT_BYTES,
    sizeCalculation: ({ leaf }) => leaf.length,
  });

  constructor(store: LogReader, prover: Prover, publication: Publication, index?: Pick<LogIndex, "find">) {
    this.#store = store;
    this.#prover = prover;
    this.#publication = publication;
    this.#index = index;
  }

  /** What is published, or null before the first checkpoint. */
  published(): Published | null {
    return this.#publication.newest;
  }

  /** What is in force under the published checkpoint. */
  get inForce(): InForce {
    return this.published()?.inForce ?? NOTHING_IN_FORCE;
  }

  get #size(): number {
    return this.#publication.size;
  }

  async entry(index: number): Promise<StoredEntry | undefined> {
    if (!Number.isSafeInteger(index) || index < 0 || index >= this.#size) return undefined;
    const leaf = await readLeaf(this.#store, index);
    return { index, leaf, leafHash: hashLeaf(leaf, nativeSha256) };
  }

  /** The same with its envelope, which is not parsed again while it is kept. */
  async readEntry(index: number): Promise<ReadEntry | undefined> {
    const kept = this.#read.get(index);
    if (kept !== undefined) return kept;
    const entry = await this.entry(index);
    if (entry === undefined) return undefined;
    const read = { ...entry, envelope: parseLeaf(entry.leaf, nativeSha256) };
    this.#read.set(index, read);
    return read;
  }

  /** The entry whose payload has this hex SHA-256. */
  async findByDigest(payloadDigest: string): Promise<EntryRecord | undefined> {
    const { entries } = await this.#store.lookup({ digests: [payloadDigest] });
    return this.#ifPublished(entries[0]);
  }

  async findByIdentity(kind: string, name: string, version: string): Promise<KnownEntry | undefined> {
    const { identities } = await this.#store.lookup({ identities: [{ kind, name, version }] });
    return this.#ifPublished(identities[0]);
  }

  #ifPublished<T extends KnownEntry>(entry: T | undefined): T | undefined {
    return entry !== undefined && entry.index < this.#size ? entry : undefined;
  }

  /** One page of published entries. Without `before` from the newest on. */
  search(query: Omit<SearchQuery, "before"> & { readonly before?: number | undefined }): Promise<SearchPage> {
    return this.#store.search({ ...query, before: Math.min(query.before ?? this.#size, this.#size) });
  }

  /** The inclusion proof in the tree of `size` entries. @throws RangeError unless index < size ≤ the published size. */
  async proveInclusion(index: number, size: number = this.#size): Promise<Uint8Array[]> {
    this.#requirePublished(size);
    return this.#prover.inclusion(index, size);
  }

  /** The inclusion proof and the leaf hash that it is of. @throws RangeError as `proveInclusion`. */
  proveLeaf(index: number, size: number): Promise<ProvenLeaf> {
    this.#requirePublished(size);
    return this.#prover.prove(index, size);
  }

  /** @throws RangeError unless 1 ≤ from ≤ to ≤ the published size. */
  async proveConsistency(from: number, to: number = this.#size): Promise<Uint8Array[]> {
    this.#requirePublished(to);
    return this.#prover.consistency(from, to);
  }

  /** The root of the tree when it had `size` entries. @throws RangeError beyond the published size. */
  async rootAt(size: number): Promise<Uint8Array> {
    this.#requirePublished(size);
    return this.#prover.rootAt(size);
  }

  #requirePublished(size: number): void {
    if (size > this.#size) throw new RangeError(`the log has published ${this.#size} entries, not ${size}`);
  }

  /**
   * What the index says of a key, at the size of a status that is published and states this index.
   * @throws LogUnavailableError "index-not-ready"
   */
  async findKey(key: Uint8Array, index: StatedIndex, limit: number): Promise<KeyFound> {
    if (this.#index === undefined)
      throw new LogUnavailableError(
        "index-not-ready",
        "this process keeps no index; another one of the log does",
      );
    return this.#index.find(key, index, limit);
  }

  /** The first checkpoint that was published with at least `size` entries: its time is that of the entry before `size`. */
  firstCheckpointCovering(size: number): Promise<PublishedCheckpoint | undefined> {
    return this.#store.firstCheckpointCovering(size);
  }

  /** Published checkpoints of at least `size` entries, oldest first, renewals included. */
  checkpointsFrom(size: number, limit: number): Promise<PublishedCheckpoint[]> {
    return this.#store.checkpointsFrom(size, limit);
  }

  /**
   * The bytes of a tile (C2SP tlog-tiles), or undefined where a tree of the published size has none of this width.
   * @throws Error where the store does not have what is published, as a replica that is behind: less than a tile must not pass for one.
   */
  async tile(level: number, index: number, width: number): Promise<Uint8Array | undefined> {
    if (!isWidth(width) || level > 6 || width > tileWidth(level, index, this.#size)) return undefined;
    return (await readTile(this.#store, level, index, width)).hashes.subarray(0, 32 * width);
  }

  /** The bytes of an entry bundle, or undefined as for `tile`. @throws Error as `tile`. */
  async entryBundle(index: number, width: number): Promise<Uint8Array | undefined> {
    if (!isWidth(width) || width > tileWidth("entries", index, this.#size)) return undefined;
    const start = index * TILE_WIDTH;
    const leaves = await this.#store.readLeaves(start, start + width);
    if (leaves.length < width) throw new Error(`entry ${start + leaves.length} is missing from the store`);
    return encodeEntryBundle(leaves);
  }

  /** The bytes with this hex SHA-256. */
  attachment(digest: string): Promise<Uint8Array | undefined> {
    return this.#store.attachment(digest);
  }
}

function isWidth(width: number): boolean {
  return Number.isInteger(width) && width >= 1 && width <= TILE_WIDTH;
}
