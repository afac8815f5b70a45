// Builds the index of a log again while fsck replays it: for what statuses state of it, and for what its file holds.
import { existsSync } from "node:fs";
import type { Database } from "better-sqlite3";
import { isSqliteError, openSqlite } from "../../node/sqlite.ts";
import { equalBytes } from "../../protocol/encoding/bytes.ts";
import { decodeHex } from "../../protocol/encoding/hex.ts";
import type { Envelope } from "../../protocol/envelope/dsse.ts";
import { IndexFile, type IndexState } from "../index/index-file.ts";
import { REPLAYED_INDEX_SCHEMA, ReplayedIndex } from "../index/replayed-index.ts";
import { IndexDamagedError } from "../index/sealed-row.ts";

interface Wanted {
  readonly size: number;
  /** What the file has there, 32 bytes. */
  readonly root: Uint8Array;
}

export class FsckIndex {
  readonly #database: Database;
  readonly #replayed: ReplayedIndex;
  readonly #file: IndexFile | null;
  readonly #onDamage: (detail: string) => void;
  /** What the file holds that was not compared yet, ascending. */
  #wanted: Wanted[] = [];
  #state: IndexState | null = null;

  /** @param file of the index, where one is configured. @param onDamage is told what is wrong with it. */
  constructor(file: string | undefined, onDamage: (detail: string) => void) {
    this.#database = openSqlite("", {});
    this.#database.exec(REPLAYED_INDEX_SCHEMA);
    this.#replayed = new ReplayedIndex(this.#database);
    this.#onDamage = (detail) =>
      onDamage(`${detail}; stop the service and remove ${file}, which it makes again`);
    this.#file = file === undefined ? null : this.#inspect(file);
  }

  #inspect(file: string): IndexFile | null {
    if (!existsSync(file)) return null;
    return this.#damageIn(() => {
      const opened = IndexFile.inspect(file);
      this.#state = opened.state;
      this.#wanted = [...this.#state.marks];
      return opened;
    });
  }

  add(index: number, envelope: Envelope): void {
    this.#replayed.add(index, envelope);
  }

  /** As Roots.index. What the file has up to there is compared in passing, since the replay does not go back. */
  rootAt(size: number): string | undefined {
    while (this.#wanted[0] !== undefined && this.#wanted[0].size <= size)
      this.#compare(this.#wanted.shift() as Wanted);
    return this.#replayed.rootAt(size);
  }

  #compare({ size, root }: Wanted): void {
    const expected = this.#replayed.rootAt(size);
    if (expected !== undefined && !equalBytes(decodeHex(expected), root))
      this.#onDamage(`the index of ${size} entries has another root than follows from them`);
  }

  /** Compares what the file holds beyond the newest status, and all of what it holds now. @param entries of the log. */
  finish(entries: number): void {
    const [file, state] = [this.#file, this.#state];
    if (file === null || state === null) return;
    if (state.size > entries) {
      this.#onDamage(`the index covers ${state.size} entries, the log has ${entries}`);
      return;
    }
    this.rootAt(state.size);
    this.#compare(state);
    this.#damageIn(() => file.check());
  }

  #damageIn<T>(read: () => T): T | null {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof IndexDamagedError) && !isSqliteError(error)) throw error;
      this.#onDamage(error.message);
      return null;
    }
  }

  close(): void {
    this.#file?.close();
    this.#database.close();
  }
}
