// Keeps the pages of the index in SQLite: the newest of each, and those that it had at the sizes of the log that somebody still asks about.
import type { Database, Statement } from "better-sqlite3";
import { utf8 } from "../../protocol/encoding/text.ts";
import type { PageStore } from "../../protocol/lookup/stored-tree.ts";
import { IndexDamagedError, seal, unseal } from "./sealed-row.ts";

export const PAGES_SCHEMA = `
  -- A page is that of every size from 'since' on, until there is a newer one of its prefix.
  CREATE TABLE pages (
    prefix TEXT,
    since  INTEGER,
    page   BLOB NOT NULL, -- sealed
    PRIMARY KEY (prefix, since)
  ) STRICT, WITHOUT ROWID;
  -- Pages that have a newer one, by the size from which that counts.
  CREATE TABLE retired (until INTEGER, prefix TEXT, since INTEGER, PRIMARY KEY (until, prefix)) STRICT, WITHOUT ROWID;
`;

interface Row {
  readonly since: number;
  readonly page: Buffer;
}

export class IndexPages implements PageStore {
  readonly #newest: Statement<[string], Row>;
  readonly #newestAt: Statement<[string, number], Row>;
  readonly #insert: Statement<[string, number, Uint8Array]>;
  readonly #replace: Statement<[Uint8Array, string, number]>;
  readonly #retire: Statement<[number, string, number]>;
  readonly #forget: readonly Statement<[number, number, number]>[];
  /** Since when there are the pages that were read for this writing. */
  readonly #since = new Map<string, number>();
  #size = 0;
  #kept = -1;

  constructor(database: Database) {
    this.#newest = database.prepare(
      "SELECT since, page FROM pages WHERE prefix = ? ORDER BY since DESC LIMIT 1",
    );
    this.#newestAt = database.prepare(
      "SELECT since, page FROM pages WHERE prefix = ? AND since <= ? ORDER BY since DESC LIMIT 1",
    );
    this.#insert = database.prepare("INSERT INTO pages VALUES (?, ?, ?)");
    this.#replace = database.prepare("UPDATE pages SET page = ? WHERE prefix = ? AND since = ?");
    this.#retire = database.prepare("INSERT INTO retired VALUES (?, ?, ?)");
    const between = "retired WHERE until > ? AND until <= ? AND since > ?";
    this.#forget = [
      database.prepare(`DELETE FROM pages WHERE (prefix, since) IN (SELECT prefix, since FROM ${between})`),
      database.prepare(`DELETE FROM ${between}`),
    ];
  }

  /** What is set from now on belongs to a tree of `size` entries. @param kept the newest size before it whose pages stay; −1: none does. */
  writeAt(size: number, kept: number): void {
    this.#since.clear();
    this.#size = size;
    this.#kept = kept;
  }

  /** @throws IndexDamagedError */
  get(prefix: string): Uint8Array | undefined {
    const row = this.#newest.get(prefix);
    if (row === undefined) return missing(prefix);
    this.#since.set(prefix, row.since);
    return unseal(utf8(prefix), row.page);
  }

  /** Whoever sets a page has read it, unless it is new. */
  set(prefix: string, page: Uint8Array): void {
    const sealed = seal(utf8(prefix), page);
    const since = this.#since.get(prefix);
    if (since !== undefined && since > this.#kept) {
      this.#replace.run(sealed, prefix, since);
      return;
    }
    if (since !== undefined) this.#retire.run(this.#size, prefix, since);
    this.#insert.run(prefix, this.#size, sealed);
    this.#since.set(prefix, this.#size);
  }

  /** The pages as they were at a size that was kept. */
  at(size: number): Pick<PageStore, "get"> {
    return {
      get: (prefix) => {
        const row = this.#newestAt.get(prefix, size);
        return row === undefined ? missing(prefix) : unseal(utf8(prefix), row.page);
      },
    };
  }

  /** Removes the pages that served a size alone. @param before the kept size before it, or −1. @param after the one after it, or that of the tree. */
  forget(before: number, after: number): void {
    for (const statement of this.#forget) statement.run(before, after, before);
  }
}

/** Only an index without entries has no page on top; of others, there is one wherever one is looked for. */
function missing(prefix: string): undefined {
  if (prefix !== "") throw new IndexDamagedError(`the index lacks page "${prefix}"`);
}
