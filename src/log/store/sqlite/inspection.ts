// Implements StoreInspection on SQLite: it counts the rows of the database.
import type { Database } from "better-sqlite3";
import { digestPrefix } from "../digest-prefix.ts";
import { readMigrations } from "../migrations.ts";
import type { IndexedBy, StoreCounts, StoreInspection } from "../store-inspection.ts";
import { damaged, MIGRATIONS_FOLDER } from "./open.ts";
import { headProblems, missingCheckpoints, pathProblems, schemaDifferences } from "./schema.ts";

export class SqliteInspection implements StoreInspection {
  readonly #database: Database;
  readonly #payload;
  readonly #digest;
  readonly #signer;
  readonly #token;
  readonly #attachments;

  constructor(database: Database) {
    this.#database = database;
    this.#payload = database
      .prepare<[Uint8Array], number>("SELECT idx FROM entries WHERE payload_digest = ?")
      .pluck();
    this.#digest = database.prepare<[number, number]>(
      "SELECT 1 FROM entry_digests WHERE prefix = ? AND idx = ?",
    );
    this.#signer = database.prepare<[Uint8Array, number]>(
      "SELECT 1 FROM entry_signers WHERE key_id = ? AND idx = ?",
    );
    this.#token = database.prepare<[Uint8Array, number]>(
      "SELECT 1 FROM entry_tokens WHERE token = ? AND idx = ?",
    );
    this.#attachments = database.prepare<[], { digest: Buffer }>("SELECT digest FROM attachments");
  }

  /** SQLite's own complaints about the file and its indexes, and what is not as the migrations and SQLite left it. */
  async integrity(): Promise<string[]> {
    const rows = this.#database.pragma("integrity_check(20)") as Array<{ integrity_check: string }>;
    const differences = schemaDifferences(this.#database, readMigrations(MIGRATIONS_FOLDER));
    return [
      ...rows.map((row) => row.integrity_check).filter((line) => line !== "ok"),
      ...differences.map(damaged),
      ...headProblems(this.#database),
      ...missingCheckpoints(this.#database),
      // A view says what paths must be, and may be what is missing.
      ...(differences.length === 0 ? pathProblems(this.#database) : []),
    ];
  }

  async counts(): Promise<StoreCounts> {
    return this.#database
      .prepare<[], StoreCounts>(
        `SELECT (SELECT count(*) FROM entries) AS entries, (SELECT coalesce(max(idx), -1) FROM entries) AS newest,
                (SELECT count(*) FROM entry_digests) AS digests,
                (SELECT count(*) FROM entry_signers) AS signers, (SELECT count(*) FROM tiles) AS tiles,
                (SELECT count(*) FROM entry_tokens) AS tokens`,
      )
      .get() as StoreCounts;
  }

  async indexOf(payloadDigest: string): Promise<number | undefined> {
    return this.#payload.get(Buffer.from(payloadDigest, "hex"));
  }

  async leadsTo(index: number, { digests, signers, tokens }: IndexedBy): Promise<boolean> {
    return (
      digests.every((digest) => this.#digest.get(digestPrefix(digest), index) !== undefined) &&
      signers.every((keyId) => this.#signer.get(Buffer.from(keyId, "hex"), index) !== undefined) &&
      tokens.every((token) => this.#token.get(Buffer.from(token, "hex"), index) !== undefined)
    );
  }

  digestRows(digests: readonly string[]): number {
    return new Set(digests.map(digestPrefix)).size;
  }

  async attachmentDigests(): Promise<string[]> {
    return this.#attachments.all().map(({ digest }) => digest.toString("hex"));
  }
}
