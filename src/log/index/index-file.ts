// Keeps the index of a log in a file of its own: which entries each key has, and the prefix tree over them, as it is at the newest size and at
// those that were marked. Everything in it follows from the log, so a file that is damaged is thrown away and built again.
import type { Database, Statement } from "better-sqlite3";
import { nativeSha256 } from "../../node/sha256.ts";
import { isSqliteError, openSqlite } from "../../node/sqlite.ts";
import { concatBytes, equalBytes, uint64 } from "../../protocol/encoding/bytes.ts";
import { encodeHex } from "../../protocol/encoding/hex.ts";
import { utf8 } from "../../protocol/encoding/text.ts";
import { EMPTY_SUBTREE, type LookupProof } from "../../protocol/lookup/prefix-tree.ts";
import { type Addition, addToTree, proveKey, rootOfTree } from "../../protocol/lookup/stored-tree.ts";
import { decodePage, emptyPage, hashPage, isLeaf } from "../../protocol/lookup/tree-page.ts";
import { EntryLists, type NewestEntries } from "./entry-lists.ts";
import { IndexPages } from "./index-pages.ts";
import { additionsOf, type IndexedEntry, readEntry } from "./indexed-entry.ts";
import { lockIndex, openIndexDatabase } from "./open-index.ts";
import { IndexDamagedError, seal, unseal } from "./sealed-row.ts";
import { StagedKeys } from "./staged-keys.ts";

/** What a file holds. */
export interface IndexState {
  /** Entries that it covers. */
  readonly size: number;
  /** Root of the index over them, 32 bytes. */
  readonly root: Uint8Array;
  /** Root of the log's tree over them, 32 bytes; of none, zeros. */
  readonly treeRoot: Uint8Array;
  /** Roots of the index at the sizes that were marked, ascending. */
  readonly marks: ReadonlyArray<{ readonly size: number; readonly root: Uint8Array }>;
}

/** What the index says of a key at a size that was marked. */
export interface KeyFound extends NewestEntries {
  readonly proof: LookupProof;
}

const STATE = utf8("state");
/** The root of an index without entries, and that of no tree. */
const NOTHING = concatBytes(EMPTY_SUBTREE, new Uint8Array(32));

export class IndexFile {
  readonly #database: Database;
  readonly #unlock: () => void;
  readonly #pages: IndexPages;
  readonly #lists: EntryLists;
  readonly #staged: StagedKeys;
  readonly #readState: Statement<[], { size: number; roots: Buffer }>;
  readonly #writeState: Statement<[number, Uint8Array]>;
  readonly #readMarks: Statement<[], { size: number; root: Buffer }>;
  readonly #mark: Statement<[number, Uint8Array]>;
  readonly #unmark: Statement<[number]>;

  private constructor(database: Database, unlock: () => void) {
    this.#database = database;
    this.#unlock = unlock;
    this.#pages = new IndexPages(database);
    this.#lists = new EntryLists(database);
    this.#staged = new StagedKeys(database);
    this.#readState = database.prepare("SELECT size, roots FROM state");
    this.#writeState = database.prepare("INSERT OR REPLACE INTO state VALUES (1, ?, ?)");
    this.#readMarks = database.prepare("SELECT size, root FROM marks ORDER BY size");
    this.#mark = database.prepare("INSERT OR REPLACE INTO marks VALUES (?, ?)");
    this.#unmark = database.prepare("DELETE FROM marks WHERE size = ?");
  }

  /**
   * Opens a file for writing, making it where there is none. One of an older version, or that cannot be read, is made anew.
   * @throws FileError when it is in use by another process, or is something else: that is not ours to remove.
   */
  static open(file: string): IndexFile {
    const unlock = lockIndex(file);
    try {
      const database = openIndexDatabase(file);
      return new IndexFile(database, unlock);
    } catch (error) {
      unlock();
      throw error;
    }
  }

  /** Opens a file for reading, as it is at this moment, also while a service writes to it. @throws IndexDamagedError unless it can be read. */
  static inspect(file: string): IndexFile {
    try {
      const database = openSqlite(file, { readonly: true, fileMustExist: true, timeout: 5000 });
      database.exec("BEGIN");
      return new IndexFile(database, () => undefined);
    } catch (error) {
      throw isSqliteError(error) ? new IndexDamagedError(error.message) : error;
    }
  }

  /** @throws IndexDamagedError */
  get state(): IndexState {
    const { size, roots } = this.#stored();
    const marks = this.#readMarks.all().map((mark) => ({ size: mark.size, root: unsealMark(mark) }));
    return { size, root: roots.slice(0, 32), treeRoot: roots.slice(32), marks };
  }

  #stored(): { readonly size: number; readonly roots: Uint8Array } {
    const row = this.#readState.get();
    if (row === undefined) return { size: 0, roots: NOTHING };
    return { size: row.size, roots: unseal(concatBytes(STATE, uint64(row.size)), row.roots) };
  }

  /**
   * Adds the next entries, in one transaction.
   * @param treeRoot root of the log's tree with them.
   * @param markFrom each status among them that states an index of at least this size has the index marked at that size, where the file
   *   has not passed it.
   * @param markEnd marks the index after the last of them, too.
   * @throws IndexDamagedError
   */
  add(leaves: readonly Uint8Array[], treeRoot: Uint8Array, markFrom: number, markEnd: boolean): IndexState {
    this.#database.transaction(() => {
      const read = leaves.map(readEntry);
      const { size: first } = this.#stored();
      const end = first + leaves.length;
      const stops = new Set(read.flatMap(({ stated }) => stated ?? []).filter((size) => size >= markFrom));
      if (markEnd) stops.add(end);
      const within = [...stops].filter((size) => size > first && size < end).sort((a, b) => a - b);
      let from = first;
      for (const size of [...within, end]) {
        const root = this.#addUpTo(size, read.slice(from - first, size - first), from);
        if (stops.has(size)) this.#mark.run(size, seal(markPlace(size), root));
        this.#write(size, root, treeRoot);
        from = size;
      }
    })();
    return this.state;
  }

  /**
   * Takes the next of the first entries of a long log, from `first` on, of which nothing is said before all of them are built.
   * @throws IndexDamagedError where the file has a part of another building, which did not come to its end.
   */
  stage(first: number, leaves: readonly Uint8Array[]): void {
    this.#database.transaction(() => {
      if (this.#stored().size > 0 || this.#pages.get("") !== undefined)
        throw new IndexDamagedError("the index was not built to its end");
      if (first === 0) this.#staged.clear();
      for (const additions of additionsOf(leaves.map(readEntry), first)) this.#staged.add(additions);
    })();
  }

  /** Builds some of the keys that were staged, of one part of them. @param size entries that were staged. @returns whether some are left. */
  buildSome(part: number, size: number): boolean {
    return this.#database.transaction(() => {
      const additions = this.#staged.take(part);
      this.#pages.writeAt(size, -1);
      this.#addKeys(additions);
      return additions.length > 0;
    })();
  }

  /** Ends the building of the entries that were staged. @param size how many they are. @param treeRoot as of `add`. */
  endBuilding(size: number, treeRoot: Uint8Array): IndexState {
    this.#write(size, rootOfTree(this.#pages, nativeSha256), treeRoot);
    return this.state;
  }

  /**
   * The root of the index with these entries after the first `first`, which are what it covers; nothing is kept of them.
   * @throws IndexDamagedError; Error where it covers more or fewer, since a status is signed over this root.
   */
  rootWith(first: number, leaves: readonly Uint8Array[]): Uint8Array {
    const { size } = this.#stored();
    if (size !== first) throw new Error(`the index covers ${size} entries, not ${first}`);
    this.#database.exec("BEGIN");
    try {
      return this.#addUpTo(size + leaves.length, leaves.map(readEntry), size);
    } finally {
      this.#database.exec("ROLLBACK");
    }
  }

  #addUpTo(size: number, entries: readonly IndexedEntry[], first: number): Uint8Array {
    const { roots } = this.#stored();
    this.#pages.writeAt(size, this.#readMarks.all().at(-1)?.size ?? -1);
    // What was read is authenticated by the root that was written with it, above the seals of its rows.
    if (!equalBytes(rootOfTree(this.#pages, nativeSha256), roots.subarray(0, 32)))
      throw new IndexDamagedError("the top of the index does not have its root");
    for (const additions of additionsOf(entries, first)) this.#addKeys(additions);
    return rootOfTree(this.#pages, nativeSha256);
  }

  #addKeys(additions: readonly Addition[]): void {
    for (const [key, indices] of byKey(additions)) this.#lists.add(key, indices);
    addToTree(this.#pages, additions, nativeSha256);
  }

  #write(size: number, root: Uint8Array, treeRoot: Uint8Array): void {
    this.#writeState.run(size, seal(concatBytes(STATE, uint64(size)), concatBytes(root, treeRoot)));
  }

  /** Forgets what the file holds for these sizes alone. */
  unmark(sizes: readonly number[]): IndexState {
    this.#database.transaction(() => {
      for (const size of sizes) {
        this.#unmark.run(size);
        const others = this.#readMarks.all().map((mark) => mark.size);
        const before = others.filter((other) => other < size).at(-1) ?? -1;
        const after = others.find((other) => other > size) ?? this.#stored().size;
        this.#pages.forget(before, after);
      }
    })();
    return this.state;
  }

  /**
   * What the index at a marked size says of a key.
   * @param limit how many entries are shown at most: the newest.
   * @throws IndexDamagedError
   */
  find(key: Uint8Array, size: number, limit: number): KeyFound {
    return this.#database.transaction(() => {
      const { valueHash, proof } = proveKey(this.#pages.at(size), key, nativeSha256);
      const found = valueHash === null ? { indices: [], before: null } : this.#lists.newest(key, size, limit);
      return { ...found, proof };
    })();
  }

  /** Reads all of the newest index, from its root down to the entries of each key. @throws IndexDamagedError where they do not fit together. */
  check(): void {
    const { size, roots } = this.#stored();
    if (size > 0) this.#checkPage("", roots.slice(0, 32), size);
  }

  #checkPage(prefix: string, hash: Uint8Array, size: number): void {
    const bytes = this.#pages.at(size).get(prefix);
    const page = bytes === undefined ? emptyPage() : decodePage(bytes);
    if (!equalBytes(hashPage(page, nativeSha256), hash))
      throw new IndexDamagedError(`page "${prefix}" does not have its hash`);
    for (const [digit, slot] of page.entries()) {
      if (slot === null) continue;
      if (!isLeaf(slot)) this.#checkPage(prefix + digit.toString(16), slot.page, size);
      else if (!equalBytes(this.#lists.valueHash(slot.key, size), slot.valueHash))
        throw new IndexDamagedError(`the entries of key ${encodeHex(slot.key)} are not those of its page`);
    }
  }

  close(): void {
    this.#database.close();
    this.#unlock();
  }
}

function byKey(additions: readonly Addition[]): Map<Uint8Array, number[]> {
  const groups = new Map<string, { readonly key: Uint8Array; readonly indices: number[] }>();
  for (const { key, index } of additions) {
    const name = Buffer.from(key).toString("latin1");
    const group = groups.get(name) ?? { key, indices: [] };
    group.indices.push(index);
    groups.set(name, group);
  }
  return new Map(Array.from(groups.values(), ({ key, indices }) => [key, indices]));
}

const markPlace = (size: number) => concatBytes(utf8("mark"), uint64(size));

function unsealMark({ size, root }: { readonly size: number; readonly root: Buffer }): Uint8Array {
  return Uint8Array.from(unseal(markPlace(size), root));
}
