// Prepares every SQL statement of the store once: those of the writer, and those of readers.
import type { Database, Statement } from "better-sqlite3";
import type { Kind } from "../../../protocol/entry/kinds.ts";
import type { Seen } from "../log-store.ts";

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
interface IdentityRow {
  index: number;
  kind: Kind;
  name: string;
  version: string;
  digest: string;
}

export interface WritingStatements {
  readonly head: Statement<[], { size: number; epoch: number }>;
  readonly setHead: Statement<[number, Bytes]>;
  readonly raiseEpoch: Statement<[holder: string, address: string], number>;
  readonly insertEntry: Statement<[number, Bytes, Bytes, string, string, string]>;
  readonly insertSigner: Statement<[Bytes, number]>;
  readonly insertDigest: Statement<[number, number]>;
  readonly insertToken: Statement<[Bytes, number]>;
  readonly insertAttachment: Statement<[Bytes, Bytes]>;
  readonly writeTile: Statement<[number, number, Bytes, Bytes | null]>;
  readonly insertCheckpoint: Statement<[number, number, string]>;
}

export function prepareWriting(db: Database): WritingStatements {
  return {
    head: db.prepare("SELECT size, epoch FROM tree_head"),
    setHead: db.prepare("UPDATE tree_head SET size = ?, root = ?"),
    raiseEpoch: db
      .prepare<[string, string], number>(
        "UPDATE tree_head SET epoch = epoch + 1, holder = ?, address = ? RETURNING epoch",
      )
      .pluck(),
    insertEntry: db.prepare(
      "INSERT INTO entries (idx, leaf, payload_digest, kind, name, version) VALUES (?, ?, ?, ?, ?, ?)",
    ),
    insertSigner: db.prepare("INSERT INTO entry_signers (key_id, idx) VALUES (?, ?)"),
    insertDigest: db.prepare("INSERT INTO entry_digests (prefix, idx) VALUES (?, ?) ON CONFLICT DO NOTHING"),
    insertToken: db.prepare("INSERT INTO entry_tokens (token, idx) VALUES (?, ?)"),
    insertAttachment: db.prepare(
      "INSERT INTO attachments (digest, bytes) VALUES (?, ?) ON CONFLICT DO NOTHING",
    ),
    writeTile: db.prepare(
      `INSERT INTO tiles (level, idx, hashes, inner) VALUES (?, ?, ?, ?)
       ON CONFLICT (level, idx) DO UPDATE SET hashes = excluded.hashes, inner = excluded.inner`,
    ),
    insertCheckpoint: db.prepare("INSERT INTO checkpoints (size, cosigned_at, note) VALUES (?, ?, ?)"),
  };
}

/** Those that look several things up take them as one JSON array. */
export interface ReadingStatements {
  readonly head: Statement<[], { size: number; root: Buffer }>;
  readonly byDigest: Statement<[string], LeafRow>;
  readonly byIdentity: Statement<[string], IdentityRow>;
  readonly attachments: Statement<[string], { digest: string; size: number }>;
  readonly tokens: Statement<[string], { token: string }>;
  readonly entries: Statement<[string], Buffer>;
  readonly inForce: Statement<[{ size: number }], { idx: number }>;
  readonly tile: Statement<[number, number], { hashes: Buffer; inner: Buffer | null }>;
  readonly tilePaths: Statement<[number], Buffer>;
  readonly leaves: Statement<[number, number], { leaf: Buffer }>;
  readonly seen: Statement<[], Seen>;
  readonly leader: Statement<[], { epoch: number; id: string; address: string }>;
  readonly newestCheckpoint: Statement<[], CheckpointRow>;
  readonly firstCovering: Statement<[number], CheckpointRow>;
  readonly checkpointsFrom: Statement<[number, number], CheckpointRow>;
  readonly attachment: Statement<[Bytes], Buffer>;
}

const CHECKPOINT = "SELECT size, cosigned_at AS cosignedAt, note FROM checkpoints";

export function prepareReading(db: Database): ReadingStatements {
  return {
    head: db.prepare("SELECT size, root FROM tree_head"),
    // CROSS JOIN is SQLite's way to say which side is walked: what was asked for, never the log.
    byDigest: db.prepare(
      `SELECT idx, leaf FROM json_each(?) AS asked
       CROSS JOIN entries ON payload_digest = unhex(asked.value)`,
    ),
    byIdentity: db.prepare(
      `SELECT idx AS "index", kind, name, version, lower(hex(payload_digest)) AS digest
       FROM json_each(?) AS asked
       CROSS JOIN entries ON name = asked.value ->> 0 AND kind = asked.value ->> 1 AND version = asked.value ->> 2`,
    ),
    attachments: db.prepare(
      `SELECT asked.value ->> 0 AS digest, asked.value ->> 1 AS size FROM json_each(?) AS asked
       CROSS JOIN attachments ON digest = unhex(asked.value ->> 0) AND length(bytes) = asked.value ->> 1`,
    ),
    tokens: db.prepare(
      `SELECT asked.value AS token FROM json_each(?) AS asked
       CROSS JOIN entry_tokens ON token = unhex(asked.value)`,
    ),
    entries: db
      .prepare<[string], Buffer>(
        "SELECT leaf FROM json_each(?) AS asked CROSS JOIN entries ON idx = asked.value ORDER BY asked.key",
      )
      .pluck(),
    inForce: db.prepare(
      `SELECT idx FROM entries WHERE kind IN ('trust-root', 'revocation', 'identity-keys') AND idx < @size
       UNION ALL SELECT max(idx) FROM entries WHERE kind = 'policy' AND idx < @size GROUP BY name
       UNION ALL SELECT max(idx) FROM entries WHERE kind = 'status' AND idx < @size GROUP BY kind
       UNION SELECT idx FROM (SELECT max(idx) AS idx FROM entry_tokens WHERE idx < @size) WHERE idx IS NOT NULL
       ORDER BY idx`,
    ),
    tile: db.prepare("SELECT hashes, inner FROM tiles WHERE level = ? AND idx = ?"),
    tilePaths: db.prepare<[number], Buffer>("SELECT hashes FROM tile_paths WHERE number = ?").pluck(),
    leaves: db.prepare("SELECT leaf FROM entries WHERE idx >= ? AND idx < ? ORDER BY idx"),
    seen: db.prepare(
      `SELECT size, (SELECT cosigned_at FROM checkpoints ORDER BY number DESC LIMIT 1) AS cosignedAt
       FROM tree_head`,
    ),
    leader: db.prepare("SELECT epoch, holder AS id, address FROM tree_head"),
    newestCheckpoint: db.prepare(`${CHECKPOINT} ORDER BY number DESC LIMIT 1`),
    firstCovering: db.prepare(`${CHECKPOINT} WHERE size >= ? ORDER BY size, number LIMIT 1`),
    checkpointsFrom: db.prepare(`${CHECKPOINT} WHERE size >= ? ORDER BY size, number LIMIT ?`),
    attachment: db.prepare<[Bytes], Buffer>("SELECT bytes FROM attachments WHERE digest = ?").pluck(),
  };
}
