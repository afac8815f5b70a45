// Implements LogReader on PostgreSQL: statements that find what was committed, each in a round trip of its own.
import { KINDS } from "../../../protocol/entry/kinds.ts";
import { HASH_LENGTH } from "../../../protocol/merkle/hash.ts";
import { digestPrefix } from "../digest-prefix.ts";
import { namesDigest, recordOfLeaf } from "../entry-record.ts";
import type {
  Found,
  Identity,
  LogReader,
  Lookup,
  News,
  PublishedCheckpoint,
  SearchPage,
  SearchQuery,
  Seen,
  TreeHead,
} from "../log-store.ts";
import { innerOffset, type StoredTile } from "../tile-store.ts";
import type { Notices } from "./notices.ts";
import type { Asker, Statement } from "./session.ts";
import { type CheckpointRow, type FoundRow, type NewsRow, STATEMENTS } from "./statements.ts";

/** Rows of indexes that one search looks at, and what an entry counts for that is read to compare a whole digest. */
const MAX_EXAMINED = 1000;
const LEAF_COST = 10;

export class PostgresReader implements LogReader {
  readonly #asker: Asker;
  readonly #notices: Pick<Notices, "changed">;

  constructor(asker: Asker, notices: Pick<Notices, "changed">) {
    this.#asker = asker;
    this.#notices = notices;
  }

  async head(): Promise<TreeHead> {
    return (await this.#one<TreeHead>(STATEMENTS.head)) ?? refuseHeadless();
  }

  /** A statement sees what one moment had. */
  async news(from: number, limit: number): Promise<News> {
    const rows = await this.#asker.ask<NewsRow>(STATEMENTS.news, [from, limit]);
    let [head, checkpoint]: [News["head"]?, News["checkpoint"]?] = [];
    const leaves: Uint8Array[] = [];
    for (const row of rows) {
      if (row.what === "head") head = { size: row.size, root: row.bytes };
      else if (row.what === "leaf") leaves.push(row.bytes);
      else checkpoint = { size: row.size, cosignedAt: row.cosignedAt, note: row.note };
    }
    return { head: head ?? refuseHeadless(), checkpoint, leaves };
  }

  async lookup({
    digests = [],
    identities = [],
    attachments = [],
    tokens = [],
  }: Partial<Lookup>): Promise<Found> {
    const found: Found & { [K in keyof Found]: Array<Found[K][number]> } = {
      entries: [],
      identities: [],
      attachments: [],
      tokens: [],
    };
    const asked = [digests, identities, attachments, tokens].some(({ length }) => length > 0);
    if (!asked) return found;
    const named = onceEach(attachments, ({ digest, size }) => `${digest} ${size}`);
    const rows = await this.#asker.ask<FoundRow>(STATEMENTS.lookup, [
      [...new Set(digests)],
      ...columnsOf(onceEach(identities, ({ kind, name, version }) => JSON.stringify([kind, name, version]))),
      named.map(({ digest }) => digest),
      named.map(({ size }) => size),
      [...new Set(tokens)],
    ]);
    for (const row of rows) {
      if (row.what === "entry") found.entries.push(recordOfLeaf(row.leaf, row.idx));
      else if (row.what === "attachment") found.attachments.push({ digest: row.digest, size: row.size });
      else if (row.what === "token") found.tokens.push(row.digest);
      else {
        const { idx: index, kind, name, version, digest } = row;
        found.identities.push({ index, kind, name, version, digest });
      }
    }
    return found;
  }

  /** The index holds the beginning of a digest; the entry holds all of it, and is compared here. */
  async search({ kind, name, version, publisher, digest, before, limit }: SearchQuery): Promise<SearchPage> {
    const page = await this.#one<SearchPage>(STATEMENTS.search, [
      kind ?? null,
      name ?? null,
      version ?? null,
      publisher === undefined ? null : Buffer.from(publisher, "hex"),
      digest === undefined ? null : digestPrefix(digest),
      KINDS,
      before,
      limit,
      MAX_EXAMINED,
      digest === undefined ? 1 : LEAF_COST,
    ]);
    const { indexes, next, examined } = page as SearchPage;
    if (digest === undefined || indexes.length === 0) return { indexes, next, examined };
    const leaves = await this.readEntries(indexes);
    const named = indexes.filter((_, i) => namesDigest(leaves[i] as Uint8Array, digest));
    return { indexes: named, next, examined };
  }

  async entriesInForce(size: number): Promise<number[]> {
    const rows = await this.#asker.ask<{ idx: number }>(STATEMENTS.inForce, [size]);
    return rows.map(({ idx }) => idx);
  }

  async readTile(level: number, index: number): Promise<StoredTile | undefined> {
    return this.#one<StoredTile>(STATEMENTS.tile, [level, index]);
  }

  async readPath(index: number, i: number): Promise<Uint8Array[] | undefined> {
    const heights = [1, 2, 3, 4, 5, 6, 7];
    const siblings = heights.map((height) => (innerOffset(height) + ((i >> height) ^ 1)) * HASH_LENGTH);
    const values = [index, (i & ~1) * HASH_LENGTH, ...siblings];
    const nodes = (await this.#one<{ nodes: Buffer }>(STATEMENTS.path, values))?.nodes;
    if (nodes === undefined) return undefined;
    const at = (place: number) => nodes.subarray(place * HASH_LENGTH, (place + 1) * HASH_LENGTH);
    return [at(i % 2), at(1 - (i % 2)), ...heights.map((height) => at(height + 1))];
  }

  async readLeaves(start: number, end: number): Promise<Uint8Array[]> {
    return this.#leaves(STATEMENTS.leaves, [start, end]);
  }

  async readEntries(indexes: readonly number[]): Promise<Uint8Array[]> {
    const leaves = await this.#leaves(STATEMENTS.entries, [indexes]);
    if (leaves.length < indexes.length)
      throw new Error(`one of the entries ${indexes} is missing from the store`);
    return leaves;
  }

  async newestCheckpoint(): Promise<PublishedCheckpoint | undefined> {
    return this.#one<CheckpointRow>(STATEMENTS.newestCheckpoint);
  }

  async firstCheckpointCovering(size: number): Promise<PublishedCheckpoint | undefined> {
    return this.#one<CheckpointRow>(STATEMENTS.firstCovering, [size]);
  }

  async checkpointsFrom(size: number, limit: number): Promise<PublishedCheckpoint[]> {
    return this.#asker.ask<CheckpointRow>(STATEMENTS.checkpointsFrom, [size, limit]);
  }

  async attachment(digest: string): Promise<Uint8Array | undefined> {
    return (await this.#one<{ bytes: Buffer }>(STATEMENTS.attachment, [Buffer.from(digest, "hex")]))?.bytes;
  }

  changed(seen: Seen, timeoutMs: number, signal: AbortSignal): Promise<void> {
    return this.#notices.changed(seen, timeoutMs, signal);
  }

  /** Whose sessions these are closes them. */
  async close(): Promise<void> {}

  async #leaves(statement: Statement, values: readonly unknown[]): Promise<Uint8Array[]> {
    return (await this.#asker.ask<{ leaf: Buffer }>(statement, values)).map(({ leaf }) => leaf);
  }

  async #one<Row extends object>(
    statement: Statement,
    values: readonly unknown[] = [],
  ): Promise<Row | undefined> {
    return (await this.#asker.ask<Row>(statement, values))[0];
  }
}

function refuseHeadless(): never {
  throw new Error("the database has no tree head");
}

function onceEach<T>(asked: readonly T[], keyOf: (one: T) => string): T[] {
  return [...new Map(asked.map((one) => [keyOf(one), one])).values()];
}

/** Kinds, names and versions. */
function columnsOf(identities: readonly Identity[]): [string[], string[], string[]] {
  return [
    identities.map(({ kind }) => kind),
    identities.map(({ name }) => name),
    identities.map(({ version }) => version),
  ];
}
