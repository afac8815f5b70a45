// Implements LogStore on SQLite: one file, one writer, every commit synced.
import type { Database } from "better-sqlite3";
import { HASH_LENGTH } from "../../../protocol/merkle/hash.ts";
import type { EntryRecord } from "../../../protocol/registration/references.ts";
import { ConflictError } from "../../errors.ts";
import { recordOfLeaf } from "../entry-record.ts";
import type {
  Append,
  NewEntry,
  PublishedCheckpoint,
  SearchPage,
  SearchQuery,
  TileWrite,
  TreeHead,
} from "../log-store.ts";
import type { InspectedStore, StoreInspection } from "../store-inspection.ts";
import { type StoredTile, siblingOffsets } from "../tile-store.ts";
import { SqliteAttachments } from "./attachments.ts";
import { SqliteInspection } from "./inspection.ts";
import type { OpenDatabase } from "./open.ts";
import { digestPrefix, SqliteSearch } from "./search.ts";
import { prepareStatements, type Statements } from "./statements.ts";

export class SqliteLogStore implements InspectedStore {
  readonly database: Database;
  readonly inspection: StoreInspection;
  readonly #attachments: SqliteAttachments;
  readonly #open: OpenDatabase;
  readonly #search: SqliteSearch;
  readonly #sql: Statements;
  readonly #append: (expectedSize: number, append: Append) => void;

  constructor(open: OpenDatabase) {
    this.#open = open;
    this.database = open.database;
    this.#attachments = new SqliteAttachments(open.database);
    this.#search = new SqliteSearch(open.database);
    this.inspection = new SqliteInspection(open.database);
    this.#sql = prepareStatements(open.database);
    this.#append = open.database.transaction(this.#write).immediate;
  }

  async head(): Promise<TreeHead> {
    return this.#readHead();
  }

  async append(expectedSize: number, append: Append): Promise<void> {
    this.#append(expectedSize, append);
  }

  readonly #write = (expectedSize: number, { entries, tiles, attachments, head }: Append): void => {
    const { size } = this.#readHead();
    if (size !== expectedSize || head.size !== expectedSize + entries.length) {
      throw new ConflictError(`the tree has ${size} entries, the append expected ${expectedSize}`);
    }
    for (const entry of entries) this.#writeEntry(entry);
    for (const attachment of attachments) this.#attachments.put(attachment);
    for (const tile of tiles) this.#writeTile(tile);
    this.#sql.setHead.run(head.size, head.root);
  };

  #writeEntry({ index, leaf, payloadDigest, kind, name, version, signers, digests }: NewEntry): void {
    this.#sql.insertEntry.run(index, leaf, fromHex(payloadDigest), kind, name, version);
    for (const signer of signers) this.#sql.insertSigner.run(fromHex(signer), index);
    for (const digest of digests) this.#sql.insertDigest.run(digestPrefix(digest), index);
  }

  #writeTile({ level, index, hashes, inner }: TileWrite): void {
    this.#sql.writeTile.run(level, index, hashes, inner);
  }

  #readHead(): TreeHead {
    const row = this.#sql.head.get();
    if (row === undefined) throw new Error("the database has no tree head");
    return row;
  }

  async findByDigest(payloadDigest: string): Promise<EntryRecord | undefined> {
    return asRecord(this.#sql.byDigest.get(fromHex(payloadDigest)));
  }

  async findByIdentity(kind: string, name: string, version: string): Promise<EntryRecord | undefined> {
    return asRecord(this.#sql.byIdentity.get(name, kind, version));
  }

  async search(query: SearchQuery): Promise<SearchPage> {
    return this.#search.find(query);
  }

  async entriesInForce(size: number): Promise<number[]> {
    return this.#sql.inForce.all({ size }).map(({ idx }) => idx);
  }

  async readTile(level: number, index: number): Promise<StoredTile | undefined> {
    return this.#sql.tile.get(level, index);
  }

  async readPath(index: number, i: number): Promise<Uint8Array | undefined> {
    return this.#sql.path.get(i * HASH_LENGTH, ...siblingOffsets(i), index);
  }

  async readLeaves(start: number, end: number): Promise<Uint8Array[]> {
    return this.#sql.leaves.all(start, end).map(({ leaf }) => leaf);
  }

  async addCheckpoint({ size, cosignedAt, note }: PublishedCheckpoint): Promise<void> {
    this.#sql.insertCheckpoint.run(size, cosignedAt, note);
  }

  async newestCheckpoint(): Promise<PublishedCheckpoint | undefined> {
    return this.#sql.newestCheckpoint.get();
  }

  async firstCheckpointCovering(size: number): Promise<PublishedCheckpoint | undefined> {
    return this.#sql.firstCovering.get(size);
  }

  async checkpointsFrom(size: number, limit: number): Promise<PublishedCheckpoint[]> {
    return this.#sql.checkpointsFrom.all(size, limit);
  }

  async attachment(digest: string): Promise<Uint8Array | undefined> {
    return this.#attachments.get(digest);
  }

  async hasAttachment(digest: string, size: number): Promise<boolean> {
    return this.#attachments.has(digest, size);
  }

  /** Writes the schema's version, as it is, into the header page: a commit of one page, synced as any other. */
  async probe(): Promise<void> {
    const version = this.database.pragma("user_version", { simple: true }) as number;
    this.database.pragma(`user_version = ${version}`);
  }

  async close(): Promise<void> {
    this.#open.close();
  }
}

/** Digests that were checked before they came here; the native decoder is several times as fast as the strict one. */
function fromHex(digest: string): Buffer {
  return Buffer.from(digest, "hex");
}

function asRecord(row: { idx: number; leaf: Uint8Array } | undefined): EntryRecord | undefined {
  return row === undefined ? undefined : recordOfLeaf(row.leaf, row.idx);
}
