// Gathers the keys of a long log before they go into the tree: by their first byte, so that those that share pages come together, and each page
// is written about once instead of once for every key.
import type { Database, Statement } from "better-sqlite3";
import { concatBytes, uint64 } from "../../protocol/encoding/bytes.ts";
import { utf8 } from "../../protocol/encoding/text.ts";
import { KEY_LENGTH } from "../../protocol/lookup/prefix-tree.ts";
import type { Addition } from "../../protocol/lookup/stored-tree.ts";
import { seal, unseal } from "./sealed-row.ts";

export const STAGED_SCHEMA = `
  -- Keys that wait: for each its 32 bytes, and the index of its entry in 8. The place is the keys' first byte, then the first of the entries.
  CREATE TABLE staged (place INTEGER PRIMARY KEY, additions BLOB NOT NULL) STRICT; -- sealed
`;

/** Parts that the keys are gathered in: their first byte. */
export const PARTS = 256;
/** Keys that are taken at once. A key that many entries have fills many such takes. */
const TAKEN_KEYS = 65_536;
const INDEX_BYTES = 8;
const ADDITION_BYTES = KEY_LENGTH + INDEX_BYTES;
/** In front of the first entry, of which there are fewer: both together are a number that JavaScript holds. */
const PART_UNIT = 2 ** 44;

export class StagedKeys {
  readonly #insert: Statement<[number, Uint8Array]>;
  readonly #of: Statement<[number, number], { place: number; additions: Buffer }>;
  readonly #remove: Statement<[number, number]>;
  readonly #clear: Statement<[]>;

  constructor(database: Database) {
    this.#insert = database.prepare("INSERT INTO staged VALUES (?, ?)");
    this.#of = database.prepare(
      "SELECT place, additions FROM staged WHERE place >= ? AND place < ? ORDER BY place",
    );
    this.#remove = database.prepare("DELETE FROM staged WHERE place >= ? AND place <= ?");
    this.#clear = database.prepare("DELETE FROM staged");
  }

  clear(): void {
    this.#clear.run();
  }

  /** @param additions in ascending order of their entries, all of each. */
  add(additions: readonly Addition[]): void {
    const parts: Addition[][] = Array.from({ length: PARTS }, () => []);
    for (const addition of additions) parts[addition.key[0] as number]?.push(addition);
    const first = additions[0]?.index ?? 0;
    for (const [part, some] of parts.entries())
      if (some.length > 0) this.#write(part * PART_UNIT + first, packed(some));
  }

  #write(place: number, additions: Uint8Array): void {
    this.#insert.run(place, seal(placeOf(place), additions));
  }

  /**
   * Takes out some of a part, of the entries that come first. @returns none when nothing is left.
   * @throws IndexDamagedError
   */
  take(part: number): Addition[] {
    const [from, end] = [part * PART_UNIT, (part + 1) * PART_UNIT];
    const taken: Addition[] = [];
    let last = from;
    for (const { place, additions } of this.#of.iterate(from, end)) {
      taken.push(...additionsIn(unseal(placeOf(place), additions)));
      last = place;
      if (taken.length >= TAKEN_KEYS) break;
    }
    this.#remove.run(from, last);
    return taken;
  }
}

const placeOf = (place: number) => concatBytes(utf8("staged"), uint64(place));

function packed(additions: readonly Addition[]): Uint8Array {
  return concatBytes(...additions.flatMap(({ key, index }) => [key, uint64(index)]));
}

function additionsIn(bytes: Uint8Array): Addition[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return Array.from({ length: bytes.length / ADDITION_BYTES }, (_, i) => {
    const at = i * ADDITION_BYTES;
    return {
      key: bytes.slice(at, at + KEY_LENGTH),
      index: Number(view.getBigUint64(at + KEY_LENGTH)),
    };
  });
}
