// Builds the index again while a log is replayed, and says what root it has where a status states one. It goes no further than statuses do,
// so that a status may be of a size that lies before it; what comes after waits on disk.
import type { Database, Statement } from "better-sqlite3";
import { nativeSha256 } from "../../node/sha256.ts";
import { concatBytes } from "../../protocol/encoding/bytes.ts";
import { encodeHex } from "../../protocol/encoding/hex.ts";
import type { Envelope } from "../../protocol/envelope/dsse.ts";
import { type Addition, addToTree, rootOfTree } from "../../protocol/lookup/stored-tree.ts";
import { IndexPages, PAGES_SCHEMA } from "./index-pages.ts";
import { keysIn } from "./indexed-entry.ts";
import { keysOfEntry } from "./keys-of-entry.ts";

/** Tables of a replay, in a database that may hold others. */
export const REPLAYED_INDEX_SCHEMA = `${PAGES_SCHEMA}
  -- Keys of the entries that are not in the pages yet, 32 bytes each.
  CREATE TABLE unindexed (idx INTEGER PRIMARY KEY, keys BLOB NOT NULL) STRICT;
  -- How many entries the pages cover.
  CREATE TABLE indexed (one INTEGER PRIMARY KEY CHECK (one = 1), size INTEGER NOT NULL) STRICT;
`;
export const REPLAYED_INDEX_TABLES = ["pages", "retired", "unindexed", "indexed"];

/** Entries that go into the pages at once. */
const STEP_ENTRIES = 1024;

export class ReplayedIndex {
  readonly #pages: IndexPages;
  readonly #size: Statement<[], number>;
  readonly #setSize: Statement<[number]>;
  readonly #await: Statement<[number, Uint8Array]>;
  readonly #next: Statement<[number], { idx: number; keys: Buffer }>;
  readonly #done: Statement<[number]>;

  /** @param database with the tables; what is written there is committed, or rolled back, by whoever opened it. */
  constructor(database: Database) {
    this.#pages = new IndexPages(database);
    this.#size = database.prepare<[], number>("SELECT size FROM indexed").pluck();
    this.#setSize = database.prepare("INSERT OR REPLACE INTO indexed VALUES (1, ?)");
    this.#await = database.prepare("INSERT INTO unindexed VALUES (?, ?)");
    this.#next = database.prepare(
      `SELECT idx, keys FROM unindexed WHERE idx < ? ORDER BY idx LIMIT ${STEP_ENTRIES}`,
    );
    this.#done = database.prepare("DELETE FROM unindexed WHERE idx < ?");
  }

  /** Takes the next entry. */
  add(index: number, envelope: Envelope): void {
    this.#await.run(index, concatBytes(...keysOfEntry(envelope)));
  }

  /** The root over the first `size` entries, which were all added, hex; undefined for a size below one that was asked for before. */
  rootAt(size: number): string | undefined {
    const covered = this.#size.get() ?? 0;
    if (size < covered) return undefined;
    for (let rows = this.#next.all(size); rows.length > 0; rows = this.#next.all(size)) {
      const additions = rows.flatMap(({ idx, keys }) =>
        keysIn(keys).map((key): Addition => ({ key, index: idx })),
      );
      this.#pages.writeAt(size, -1);
      addToTree(this.#pages, additions, nativeSha256);
      this.#done.run((rows.at(-1) as { idx: number }).idx + 1);
    }
    this.#setSize.run(size);
    return encodeHex(rootOfTree(this.#pages, nativeSha256));
  }
}
