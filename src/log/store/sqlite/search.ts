// Finds entries in SQLite: by kind, name, version, any digest, publisher; newest first, page by page. Each condition has an index in
// which its entries lie in their order, and a search steps down all of them side by side: it asks each in turn for its newest entry
// that is not above the candidate, until all name the same one. A rare condition makes it short; the bound ends it where all are common.
import type { Database, Statement } from "better-sqlite3";
import { decodeBase64 } from "../../../protocol/encoding/base64.ts";
import { decodeUtf8 } from "../../../protocol/encoding/text.ts";
import { digestsOf } from "../entry-record.ts";
import type { SearchPage, SearchQuery } from "../log-store.ts";

const PREFIX_DIGITS = 12;
/** Rows of indexes that one search looks at; it takes about two milliseconds. */
export const MAX_EXAMINED = 1000;
/** What reading an entry to compare a whole digest counts for. */
const LEAF_COST = 10;

/** The key under which a hex digest is indexed: its first 48 bits, an integer that JavaScript and SQLite both hold. */
export function digestPrefix(digest: string): number {
  return Number.parseInt(digest.slice(0, PREFIX_DIGITS), 16);
}

/** The newest entry that meets a condition and is not above an index, or undefined. */
type Step = (atMost: number) => number | undefined;
type Newest = Statement<[unknown, number], number>;

/** Where each condition finds its entries. The index is named, since any other plan could walk the log. */
const INDEXES = {
  digest: ["entry_digests", "prefix"],
  publisher: ["entry_signers", "key_id"],
  name: ["entries INDEXED BY entries_by_name", "name"],
  version: ["entries INDEXED BY entries_by_version", "version"],
  kind: ["entries INDEXED BY entries_by_kind", "kind"],
} as const;
type Condition = keyof typeof INDEXES;

export class SqliteSearch {
  readonly #database: Database;
  readonly #newest = new Map<Condition, Newest>();
  readonly #leaf: Statement<[number], Buffer>;

  constructor(database: Database) {
    this.#database = database;
    this.#leaf = database.prepare<[number], Buffer>("SELECT leaf FROM entries WHERE idx = ?").pluck();
  }

  /** One page. It examines at most MAX_EXAMINED rows and those of one more entry. */
  find(query: SearchQuery): SearchPage {
    const steps = this.#stepsOf(query);
    const indexes: number[] = [];
    let examined = 0;
    let candidate = query.before - 1;
    while (candidate >= 0 && examined < MAX_EXAMINED) {
      const agreed = meet(steps, candidate);
      examined += agreed.examined;
      if (agreed.index === undefined) return { indexes, next: null, examined };
      candidate = agreed.index;
      if (!agreed.isMet) continue;
      if (indexes.length === query.limit) return { indexes, next: candidate + 1, examined };
      examined += query.digest === undefined ? 1 : LEAF_COST;
      if (query.digest === undefined || this.#names(candidate, query.digest)) indexes.push(candidate);
      candidate--;
    }
    return { indexes, next: candidate < 0 ? null : candidate + 1, examined };
  }

  #stepsOf({ kind, name, version, publisher, digest }: SearchQuery): Step[] {
    const values = {
      digest: digest === undefined ? undefined : digestPrefix(digest),
      publisher: publisher === undefined ? undefined : Buffer.from(publisher, "hex"),
      name,
      version,
      kind,
    };
    return Object.entries(values).flatMap(([condition, value]) => {
      if (value === undefined) return [];
      const newest = this.#statement(condition as Condition);
      return [(atMost: number) => newest.get(value, atMost)];
    });
  }

  /** Prepared when it is first asked for: a damaged database, which fsck reads, may lack an index. */
  #statement(condition: Condition): Newest {
    const prepared = this.#newest.get(condition);
    if (prepared !== undefined) return prepared;
    const [table, column] = INDEXES[condition];
    const sql = `SELECT idx FROM ${table} WHERE ${column} = ? AND idx <= ? ORDER BY idx DESC LIMIT 1`;
    const statement = this.#database.prepare<[unknown, number], number>(sql).pluck();
    this.#newest.set(condition, statement);
    return statement;
  }

  /** The index holds the beginning of a digest; the entry holds all of it. */
  #names(index: number, digest: string): boolean {
    const leaf = this.#leaf.get(index);
    if (leaf === undefined) return false;
    const { payload } = JSON.parse(decodeUtf8(leaf)) as { payload: string };
    return digestsOf({ payload: decodeBase64(payload) }).includes(digest);
  }
}

/** One round of steps. `isMet` when all conditions name the candidate itself; else `index` is where to look next, if anywhere. */
function meet(
  steps: readonly Step[],
  candidate: number,
): { readonly index: number | undefined; readonly isMet: boolean; readonly examined: number } {
  let lowest = candidate;
  let examined = 0;
  for (const step of steps) {
    const found = step(lowest);
    examined++;
    if (found === undefined) return { index: undefined, isMet: false, examined };
    lowest = found;
  }
  return { index: lowest, isMet: lowest === candidate, examined };
}
