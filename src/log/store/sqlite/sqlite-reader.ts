// Implements LogReader on SQLite: a connection that only reads, beside the one that writes, or of a copy.
import { setTimeout as sleep } from "node:timers/promises";
import type { Database } from "better-sqlite3";
import { recordOfLeaf } from "../entry-record.ts";
import type { Leader } from "../leadership.ts";
import type {
  Found,
  LogReader,
  Lookup,
  News,
  PublishedCheckpoint,
  SearchPage,
  SearchQuery,
  Seen,
  TreeHead,
} from "../log-store.ts";
import type { StoredTile } from "../tile-store.ts";
import type { OpenDatabase } from "./open.ts";
import { SqliteSearch } from "./search.ts";
import { prepareReading, type ReadingStatements } from "./statements.ts";
import { pathOf, pathsNumber } from "./tile-paths.ts";

/** Milliseconds between two looks at what another process writes. */
const POLL_MS = 50;

export class SqliteReader implements LogReader {
  readonly database: Database;
  readonly #open: OpenDatabase;
  readonly #search: SqliteSearch;
  readonly #sql: ReadingStatements;

  constructor(open: OpenDatabase) {
    this.#open = open;
    this.database = open.database;
    this.#search = new SqliteSearch(open.database);
    this.#sql = prepareReading(open.database);
  }

  async head(): Promise<TreeHead> {
    const row = this.#sql.head.get();
    if (row === undefined) throw new Error("the database has no tree head");
    return row;
  }

  /** In this order: a head that is read after a checkpoint covers it. */
  async news(from: number, limit: number): Promise<News> {
    const checkpoint = await this.newestCheckpoint();
    const head = await this.head();
    const leaves = await this.readLeaves(from, Math.min(head.size, from + limit));
    return { head, checkpoint, leaves };
  }

  async lookup({
    digests = [],
    identities = [],
    attachments = [],
    tokens = [],
  }: Partial<Lookup>): Promise<Found> {
    const sql = this.#sql;
    const asked = identities.map(({ kind, name, version }) => [name, kind, version]);
    const named = attachments.map(({ digest, size }) => [digest, size]);
    return {
      entries: askAll(digests, sql.byDigest).map(({ idx, leaf }) => recordOfLeaf(leaf, idx)),
      identities: askAll(asked, sql.byIdentity),
      attachments: askAll(named, sql.attachments),
      tokens: askAll(tokens, sql.tokens).map(({ token }) => token),
    };
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

  async readPath(index: number, i: number): Promise<Uint8Array[] | undefined> {
    const paths = this.#sql.tilePaths.get(pathsNumber(index, i));
    return paths === undefined ? undefined : pathOf(paths, i);
  }

  async readLeaves(start: number, end: number): Promise<Uint8Array[]> {
    return this.#sql.leaves.all(start, end).map(({ leaf }) => leaf);
  }

  async readEntries(indexes: readonly number[]): Promise<Uint8Array[]> {
    const leaves = this.#sql.entries.all(JSON.stringify(indexes));
    if (leaves.length < indexes.length)
      throw new Error(`one of the entries ${indexes} is missing from the store`);
    return leaves;
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
    return this.#sql.attachment.get(Buffer.from(digest, "hex"));
  }

  /** Another process is not told of a commit: it looks. */
  async changed(seen: Seen, timeoutMs: number, signal: AbortSignal): Promise<void> {
    const end = performance.now() + timeoutMs;
    for (let left = timeoutMs; left > 0 && !signal.aborted; left = end - performance.now()) {
      const now = this.#sql.seen.get();
      if (now?.size !== seen.size || now.cosignedAt !== seen.cosignedAt) return;
      await sleep(Math.min(left, POLL_MS), null, { signal }).catch(() => null);
    }
  }

  /** Who opened it for writing last. */
  lastLeader(): Leader | null {
    const row = this.#sql.leader.get();
    return row === undefined ? null : { ...row, address: row.address || null };
  }

  async close(): Promise<void> {
    this.#open.close();
  }
}

/** What a statement finds of what is asked for, which it takes as one JSON array, each once. Nothing is looked up for nothing. */
function askAll<Row>(asked: readonly unknown[], statement: { all(asked: string): Row[] }): Row[] {
  if (asked.length === 0) return [];
  const once = new Set(asked.map((one) => JSON.stringify(one)));
  return statement.all(`[${[...once].join(",")}]`);
}
