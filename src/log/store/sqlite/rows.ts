// The rows of the database as fsck counts them: what the LogStore interface does not show, since nobody else should look.
import type { Database } from "better-sqlite3";
import { decodeHex } from "../../../protocol/encoding/hex.ts";
import { digestPrefix } from "./search.ts";

export interface RowCounts {
  readonly entries: number;
  /** Index of the newest entry, −1 when there is none. */
  readonly newest: number;
  readonly digests: number;
  readonly signers: number;
  readonly tiles: number;
}

export class SqliteRows {
  readonly #database: Database;
  readonly #digest;
  readonly #signer;

  constructor(database: Database) {
    this.#database = database;
    this.#digest = database.prepare<[number, number]>(
      "SELECT 1 FROM entry_digests WHERE prefix = ? AND idx = ?",
    );
    this.#signer = database.prepare<[Uint8Array, number]>(
      "SELECT 1 FROM entry_signers WHERE key_id = ? AND idx = ?",
    );
  }

  /** SQLite's own complaints about the file and its indexes; none when it is sound. */
  integrity(): string[] {
    const rows = this.#database.pragma("integrity_check(20)") as Array<{ integrity_check: string }>;
    return rows.map((row) => row.integrity_check).filter((line) => line !== "ok");
  }

  hasDigest(digest: string, index: number): boolean {
    return this.#digest.get(digestPrefix(digest), index) !== undefined;
  }

  hasSigner(keyId: string, index: number): boolean {
    return this.#signer.get(decodeHex(keyId), index) !== undefined;
  }

  counts(): RowCounts {
    return this.#database
      .prepare<[], RowCounts>(
        `SELECT (SELECT count(*) FROM entries) AS entries, (SELECT coalesce(max(idx), -1) FROM entries) AS newest,
                (SELECT count(*) FROM entry_digests) AS digests,
                (SELECT count(*) FROM entry_signers) AS signers, (SELECT count(*) FROM tiles) AS tiles`,
      )
      .get() as RowCounts;
  }
}
