// Writes a log's database: one transaction for each append, synced before it returns. It runs in a thread of its own (writer-thread.ts),
// and imports no more than it needs.
import type { Database } from "better-sqlite3";
import { ConflictError, LeadershipLostError } from "../../errors.ts";
import { digestPrefix } from "../digest-prefix.ts";
import type { Candidate } from "../leadership.ts";
import type { Append, NewEntry, PublishedCheckpoint } from "../log-store.ts";
import type { OpenDatabase } from "./open.ts";
import { prepareWriting, type WritingStatements } from "./statements.ts";

export class SqliteWriter {
  readonly epoch: number;
  readonly #open: OpenDatabase;
  readonly #database: Database;
  readonly #sql: WritingStatements;
  readonly #append: (expectedSize: number, append: Append) => void;

  /** Raises the epoch. */
  constructor(open: OpenDatabase, { id, address }: Candidate) {
    this.#open = open;
    this.#database = open.database;
    this.#sql = prepareWriting(open.database);
    this.#append = open.database.transaction(this.#write).immediate;
    const epoch = this.#sql.raiseEpoch.get(id, address ?? "");
    if (epoch === undefined) throw new Error("the database has no tree head");
    this.epoch = epoch;
  }

  /** As LogWriter.append. */
  append(expectedSize: number, append: Append): void {
    this.#append(expectedSize, append);
  }

  readonly #write = (expectedSize: number, { entries, tiles, attachments, head }: Append): void => {
    const size = this.renew();
    if (size !== expectedSize || head.size !== expectedSize + entries.length) {
      throw new ConflictError(`the tree has ${size} entries, the append expected ${expectedSize}`);
    }
    for (const entry of entries) this.#writeEntry(entry);
    for (const { digest, bytes } of attachments) this.#sql.insertAttachment.run(fromHex(digest), bytes);
    for (const { level, index, hashes, inner } of tiles) this.#sql.writeTile.run(level, index, hashes, inner);
    this.#sql.setHead.run(head.size, head.root);
  };

  #writeEntry({ index, leaf, payloadDigest, kind, name, version, ...found }: NewEntry): void {
    this.#sql.insertEntry.run(index, leaf, fromHex(payloadDigest), kind, name, version);
    for (const signer of found.signers) this.#sql.insertSigner.run(fromHex(signer), index);
    for (const token of found.tokens) this.#sql.insertToken.run(fromHex(token), index);
    for (const digest of found.digests) this.#sql.insertDigest.run(digestPrefix(digest), index);
  }

  /**
   * As LogWriter.addCheckpoint. Its transaction is in the write-ahead log when this returns, where every connection sees it and the end
   * of the process does not touch it, and is synced with the next append (SQLite: synchronous = NORMAL loses no more than that, and
   * never breaks the database).
   */
  addCheckpoint({ size, cosignedAt, note }: PublishedCheckpoint): void {
    this.#database.pragma("synchronous = NORMAL");
    try {
      this.#database
        .transaction(() => {
          this.renew();
          this.#sql.insertCheckpoint.run(size, cosignedAt, note);
        })
        .immediate();
    } finally {
      this.#database.pragma("synchronous = FULL");
    }
  }

  /** Writes the schema's version, as it is, into the header page: a commit of one page, synced as any other. */
  probe(): void {
    const version = this.#database.pragma("user_version", { simple: true }) as number;
    this.#database.pragma(`user_version = ${version}`);
  }

  /** As LogWriter.renew: the lock on the file is the lease. @returns the tree's size. */
  renew(): number {
    const head = this.#sql.head.get();
    if (head === undefined) throw new Error("the database has no tree head");
    if (head.epoch === this.epoch) return head.size;
    throw new LeadershipLostError(`epoch ${this.epoch} is over, ${head.epoch} is current`);
  }

  close(): void {
    this.#open.close();
  }
}

/** Digests that were checked before they came here; the native decoder is several times as fast as the strict one. */
function fromHex(digest: string): Buffer {
  return Buffer.from(digest, "hex");
}
