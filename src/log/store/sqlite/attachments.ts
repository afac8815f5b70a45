// Keeps attachments in SQLite: bytes under their SHA-256, written once.
import type { Database, Statement } from "better-sqlite3";
import { decodeHex } from "../../../protocol/encoding/hex.ts";
import type { NewAttachment } from "../log-store.ts";

export class SqliteAttachments {
  readonly #insert: Statement<[Uint8Array, Uint8Array]>;
  readonly #bytes: Statement<[Uint8Array], { bytes: Buffer }>;
  readonly #length: Statement<[Uint8Array], { length: number }>;

  constructor(database: Database) {
    this.#insert = database.prepare(
      "INSERT INTO attachments (digest, bytes) VALUES (?, ?) ON CONFLICT DO NOTHING",
    );
    this.#bytes = database.prepare("SELECT bytes FROM attachments WHERE digest = ?");
    this.#length = database.prepare("SELECT length(bytes) AS length FROM attachments WHERE digest = ?");
  }

  put({ digest, bytes }: NewAttachment): void {
    this.#insert.run(decodeHex(digest), bytes);
  }

  get(digest: string): Uint8Array | undefined {
    return this.#bytes.get(decodeHex(digest))?.bytes;
  }

  has(digest: string, size: number): boolean {
    return this.#length.get(decodeHex(digest))?.length === size;
  }
}
