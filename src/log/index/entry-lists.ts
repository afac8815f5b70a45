// Keeps the entries of each key of the index in SQLite, in parts: the newest of a long list are read, and proven, without the others.
import type { Database, Statement } from "better-sqlite3";
import { nativeSha256 } from "../../node/sha256.ts";
import { concatBytes, uint64 } from "../../protocol/encoding/bytes.ts";
import { hashEntries, NO_ENTRIES } from "../../protocol/lookup/prefix-tree.ts";
import { seal, unseal } from "./sealed-row.ts";

export const LISTS_SCHEMA = `
  -- Entries of a key, ascending, in parts of 256: the value hash of the parts before it, then an index of 8 bytes for each.
  CREATE TABLE lists (
    key  BLOB,
    part INTEGER,
    list BLOB NOT NULL, -- sealed
    PRIMARY KEY (key, part)
  ) STRICT, WITHOUT ROWID;
`;

const PART_ENTRIES = 256;
const INDEX_BYTES = 8;

interface Part {
  readonly part: number;
  /** Value hash of the parts before it, 32 bytes. */
  readonly before: Uint8Array;
  /** Ascending. */
  readonly indices: readonly number[];
}

/** The newest entries of a key. */
export interface NewestEntries {
  /** Ascending. */
  readonly indices: readonly number[];
  /** Value hash of those before them; null where there are none. */
  readonly before: Uint8Array | null;
}

export class EntryLists {
  readonly #last: Statement<[Uint8Array], { part: number; list: Buffer }>;
  readonly #parts: Statement<[Uint8Array], { part: number; list: Buffer }>;
  readonly #write: Statement<[Uint8Array, number, Uint8Array]>;

  constructor(database: Database) {
    this.#last = database.prepare("SELECT part, list FROM lists WHERE key = ? ORDER BY part DESC LIMIT 1");
    this.#parts = database.prepare("SELECT part, list FROM lists WHERE key = ? ORDER BY part DESC");
    this.#write = database.prepare(
      "INSERT INTO lists VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET list = excluded.list",
    );
  }

  /** Adds entries that are newer than all of the key. @throws IndexDamagedError */
  add(key: Uint8Array, indices: readonly number[]): void {
    const row = this.#last.get(key);
    let last: Part = row ? decodePart(key, row) : { part: 0, before: NO_ENTRIES, indices: [] };
    for (let from = 0; from < indices.length; ) {
      if (last.indices.length === PART_ENTRIES) last = partAfter(last);
      const next = indices.slice(from, from + PART_ENTRIES - last.indices.length);
      last = { ...last, indices: [...last.indices, ...next] };
      this.#write.run(key, last.part, encodePart(key, last));
      from += next.length;
    }
  }

  /** The newest entries of a key below a size, at most `limit`. @throws IndexDamagedError */
  newest(key: Uint8Array, size: number, limit: number): NewestEntries {
    let indices: number[] = [];
    for (const row of this.#parts.iterate(key)) {
      const part = decodePart(key, row);
      const below = part.indices.filter((index) => index < size);
      const cut = Math.max(0, below.length + indices.length - limit);
      indices = [...below.slice(cut), ...indices];
      if (cut > 0) return { indices, before: hashEntries(below.slice(0, cut), part.before, nativeSha256) };
      if (indices.length === limit && part.part > 0) return { indices, before: part.before };
    }
    return { indices, before: null };
  }

  /** The value hash of all entries of a key below a size. @throws IndexDamagedError */
  valueHash(key: Uint8Array, size: number): Uint8Array {
    const { indices } = this.newest(key, size, Number.MAX_SAFE_INTEGER);
    return hashEntries(indices, NO_ENTRIES, nativeSha256);
  }
}

function partAfter({ part, before, indices }: Part): Part {
  return { part: part + 1, before: hashEntries(indices, before, nativeSha256), indices: [] };
}

const placeOf = (key: Uint8Array, part: number) => concatBytes(key, uint64(part));

/** The first part has no value hash before it: most keys have no other. */
function encodePart(key: Uint8Array, { part, before, indices }: Part): Uint8Array {
  const list = Buffer.alloc(INDEX_BYTES * indices.length);
  for (const [i, index] of indices.entries()) list.writeBigUInt64BE(BigInt(index), INDEX_BYTES * i);
  return seal(placeOf(key, part), part === 0 ? list : concatBytes(before, list));
}

function decodePart(key: Uint8Array, { part, list }: { part: number; list: Buffer }): Part {
  const bytes = unseal(placeOf(key, part), list);
  const start = part === 0 ? 0 : NO_ENTRIES.length;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const indices: number[] = [];
  for (let at = start; at < bytes.length; at += INDEX_BYTES) indices.push(Number(view.getBigUint64(at)));
  return { part, before: start === 0 ? NO_ENTRIES : bytes.slice(0, start), indices };
}
