// Prepares every SQL statement of the store once.
import type { Database, Statement } from "better-sqlite3";

type Bytes = Uint8Array;
interface CheckpointRow {
  size: number;
  cosignedAt: number;
  note: string;
}
interface LeafRow {
  idx: number;
  leaf: Buffer;
}

export interface Statements {
  readonly head: Statement<[], { size: number; root: Buffer }>;
  readonly setHead: Statement<[number, Bytes]>;
  readonly insertEntry: Statement<[number, Bytes, Bytes, string, string, string]>;
  readonly insertSigner: Statement<[Bytes, number]>;
  readonly insertDigest: Statement<[number, number]>;
  readonly writeTile: Statement<[number, number, Bytes, Bytes | null]>;
  readonly byDigest: Statement<[Bytes], LeafRow>;
  readonly byIdentity: Statement<[string, string, string], LeafRow>;
  readonly inForce: Statement<[{ size: number }], { idx: number }>;
  readonly tile: Statement<[number, number], { hashes: Buffer; inner: Buffer | null }>;
  readonly path: Statement<number[], Buffer>;
  readonly leaves: Statement<[number, number], { leaf: Buffer }>;
  readonly insertCheckpoint: Statement<[number, number, string]>;
  readonly newestCheckpoint: Statement<[], CheckpointRow>;
  readonly firstCovering: Statement<[number], CheckpointRow>;
  readonly checkpointsFrom: Statement<[number, number], CheckpointRow>;
}

const CHECKPOINT = "SELECT size, cosigned_at AS cosignedAt, note FROM checkpoints";

/** A hash and its sibling, then one inner node of each height. */
const PATH = ["hashes", "hashes", ...Array<string>(7).fill("inner")]
  .map((column) => `substr(${column}, ? + 1, 32)`)
  .join(" || ");

export function prepareStatements(db: Database): Statements {
  return {
    head: db.prepare("SELECT size, root FROM tree_head"),
    setHead: db.prepare("UPDATE tree_head SET size = ?, root = ?"),
    insertEntry: db.prepare(
      "INSERT INTO entries (idx, leaf, payload_digest, kind, name, version) VALUES (?, ?, ?, ?, ?, ?)",
    ),
    insertSigner: db.prepare("INSERT INTO entry_signers (key_id, idx) VALUES (?, ?)"),
    insertDigest: db.prepare("INSERT INTO entry_digests (prefix, idx) VALUES (?, ?) ON CONFLICT DO NOTHING"),
    writeTile: db.prepare(
      `INSERT INTO tiles (level, idx, hashes, inner) VALUES (?, ?, ?, ?)
       ON CONFLICT (level, idx) DO UPDATE SET hashes = excluded.hashes, inner = excluded.inner`,
    ),
    byDigest: db.prepare("SELECT idx, leaf FROM entries WHERE payload_digest = ?"),
    byIdentity: db.prepare("SELECT idx, leaf FROM entries WHERE name = ? AND kind = ? AND version = ?"),
    inForce: db.prepare(
      `SELECT idx FROM entries WHERE kind IN ('trust-root', 'revocation') AND idx < @size
       UNION ALL SELECT max(idx) FROM entries WHERE kind = 'policy' AND idx < @size GROUP BY name
       UNION ALL SELECT max(idx) FROM entries WHERE kind = 'status' AND idx < @size GROUP BY kind
       ORDER BY idx`,
    ),
    tile: db.prepare("SELECT hashes, inner FROM tiles WHERE level = ? AND idx = ?"),
    // "||" makes text of blobs, byte for byte; the cast takes that back.
    path: db
      .prepare<number[], Buffer>(
        `SELECT CAST(${PATH} AS BLOB) FROM tiles WHERE level = 0 AND idx = ? AND inner IS NOT NULL`,
      )
      .pluck(),
    leaves: db.prepare("SELECT leaf FROM entries WHERE idx >= ? AND idx < ? ORDER BY idx"),
    insertCheckpoint: db.prepare("INSERT INTO checkpoints (size, cosigned_at, note) VALUES (?, ?, ?)"),
    newestCheckpoint: db.prepare(`${CHECKPOINT} ORDER BY number DESC LIMIT 1`),
    firstCovering: db.prepare(`${CHECKPOINT} WHERE size >= ? ORDER BY size, number LIMIT 1`),
    checkpointsFrom: db.prepare(`${CHECKPOINT} WHERE size >= ? ORDER BY size, number LIMIT ?`),
  };
}
