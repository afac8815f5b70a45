// Finds entries in SQLite: by kind, name, version, any digest, publisher; newest first, page by page. Each condition has an index in
// which its entries lie in their order, and a search steps down all of them side by side: it asks each in turn for its newest entry
// that is not above the candidate, until all name the same one. A rare condition makes it short; the bound ends it where all are common.
import type { Database, Statement } from "better-sqlite3";
import { KINDS } from "../../../protocol/entry/kinds.ts";
import { digestPrefix } from "../digest-prefix.ts";
import { namesDigest } from "../entry-record.ts";
import type { SearchPage, SearchQuery } from "../log-store.ts";

/** Rows of indexes that one search looks at; it takes about two milliseconds. */
export const MAX_EXAMINED = 1000;
/** What reading an entry to compare a whole digest counts for. */
const LEAF_COST = 10;

/** A condition, or two that have an index together. */
interface Step {
  /** The newest entry that meets it and is not above an index. */
  readonly newest: (atMost: number) => number | null | undefined;
  /** Rows that finding it looks at. */
  readonly rows: number;
}

const newestIn = (index: string, condition: string) =>
  `SELECT idx FROM ${index} WHERE ${condition} AND idx <= ? ORDER BY idx DESC LIMIT 1`;
const IN_KIND_AND_VERSION = "entries INDEXED BY entries_by_kind_and_version";

/** Where conditions find their entries. The index is named, since any other plan could walk the log. */
const NEWEST = {
  digest: newestIn("entry_digests", "prefix = ?"),
  publisher: newestIn("entry_signers", "key_id = ?"),
  name: newestIn("entries INDEXED BY entries_by_name", "name = ?"),
  kind: newestIn("entries INDEXED BY entries_by_kind", "kind = ?"),
  kindAndVersion: newestIn(IN_KIND_AND_VERSION, "kind = ? AND version = ?"),
  version: `SELECT max((${newestIn(IN_KIND_AND_VERSION, "kind = kinds.value AND version = ?")}))
              FROM json_each('${JSON.stringify(KINDS)}') AS kinds`,
} as const;
type Condition = keyof typeof NEWEST;

export class SqliteSearch {
  readonly #database: Database;
  readonly #prepared = new Map<Condition, Statement<unknown[], number | null>>();
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
    const steps: Step[] = [];
    if (digest !== undefined) steps.push(this.#step("digest", digestPrefix(digest)));
    if (publisher !== undefined) steps.push(this.#step("publisher", Buffer.from(publisher, "hex")));
    if (name !== undefined) steps.push(this.#step("name", name));
    if (kind !== undefined && version !== undefined) steps.push(this.#step("kindAndVersion", kind, version));
    else if (kind !== undefined) steps.push(this.#step("kind", kind));
    else if (version !== undefined) steps.push({ ...this.#step("version", version), rows: KINDS.length });
    return steps;
  }

  #step(condition: Condition, ...values: ReadonlyArray<string | number | Buffer>): Step {
    const statement = this.#statement(condition);
    return { newest: (atMost) => statement.get(...values, atMost), rows: 1 };
  }

  /** Prepared when it is first asked for: a damaged database, which fsck reads, may lack an index. */
  #statement(condition: Condition): Statement<unknown[], number | null> {
    const prepared = this.#prepared.get(condition);
    if (prepared !== undefined) return prepared;
    const statement = this.#database.prepare<unknown[], number | null>(NEWEST[condition]).pluck();
    this.#prepared.set(condition, statement);
    return statement;
  }

  /** The index holds the beginning of a digest; the entry holds all of it. */
  #names(index: number, digest: string): boolean {
    const leaf = this.#leaf.get(index);
    return leaf !== undefined && namesDigest(leaf, digest);
  }
}

/** One round of steps. `isMet` when all conditions name the candidate itself; else `index` is where to look next, if anywhere. */
function meet(
  steps: readonly Step[],
  candidate: number,
): { readonly index: number | undefined; readonly isMet: boolean; readonly examined: number } {
  let lowest = candidate;
  let examined = 0;
  for (const { newest, rows } of steps) {
    const found = newest(lowest) ?? undefined;
    examined += rows;
    if (found === undefined) return { index: undefined, isMet: false, examined };
    lowest = found;
  }
  return { index: lowest, isMet: lowest === candidate, examined };
}
