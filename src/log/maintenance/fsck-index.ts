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

/** The file of an index as it was at one moment: opened before the log's store, so that the store has every entry that it covers. */
export interface InspectedIndex {
  readonly path: string;
  /** Null where it cannot be read; then `damage` says why. */
  readonly file: IndexFile | null;
  readonly state: IndexState | null;
  readonly damage: string | null;
}

/** @returns null where there is no such file. */
export function inspectIndex(path: string): InspectedIndex | null {
  if (!existsSync(path)) return null;
  let file: IndexFile | null = null;
  try {
    file = IndexFile.inspect(path);
    return { path, file, state: file.state, damage: null };
  } catch (error) {
    file?.close();
    if (!isDamage(error)) throw error;
    return { path, file: null, state: null, damage: error.message };
  }
}

interface Wanted {
  readonly size: number;
  /** What the file has there, 32 bytes. */
  readonly root: Uint8Array;
}

export class FsckIndex {
  readonly #database: Database;
  readonly #replayed: ReplayedIndex;
  readonly #inspected: InspectedIndex | null;
  readonly #onDamage: (detail: string) => void;
  /** What the file holds that was not compared yet, ascending. */
  readonly #wanted: Wanted[];

  /** @param onDamage is told what is wrong with the file. */
  constructor(inspected: InspectedIndex | null, onDamage: (detail: string) => void) {
    this.#database = openSqlite("", {});
    this.#database.exec(REPLAYED_INDEX_SCHEMA);
    this.#replayed = new ReplayedIndex(this.#database);
    this.#inspected = inspected;
    this.#onDamage = (detail) =>
      onDamage(`${detail}; stop the service and remove ${inspected?.path}, which it makes again`);
    this.#wanted = [...(inspected?.state?.marks ?? [])];
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
    if (this.#inspected === null) return;
    const { file, state, damage } = this.#inspected;
    if (damage !== null) this.#onDamage(damage);
    if (file === null || state === null) return;
    if (state.size > entries) {
      this.#onDamage(`the index covers ${state.size} entries, the log has ${entries}`);
      return;
    }
    this.rootAt(state.size);
    this.#compare(state);
    try {
      file.check();
    } catch (error) {
      if (!isDamage(error)) throw error;
      this.#onDamage(error.message);
    }
  }

  close(): void {
    this.#database.close();
  }
}

function isDamage(error: unknown): error is Error {
  return error instanceof IndexDamagedError || isSqliteError(error);
}
