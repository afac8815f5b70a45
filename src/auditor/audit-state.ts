// Keeps what an audit remembers, in one SQLite file: the replayed part of the log as far as the rules ask about it, what was found in it,
// and the newest checkpoint that was seen and authentic. It grows by some 500 bytes an entry.
import { randomBytes } from "node:crypto";
import type { Database } from "better-sqlite3";
import { REPLAYED_INDEX_SCHEMA, REPLAYED_INDEX_TABLES, ReplayedIndex } from "../log/index/replayed-index.ts";
import type { TreeHead } from "../log/store/log-store.ts";
import { GrowingTree } from "../log/tree/growing-tree.ts";
import { FileError } from "../node/file-error.ts";
import { isSqliteError, openSqlite } from "../node/sqlite.ts";
import { parseLeaf } from "../protocol/envelope/dsse.ts";
import { HASH_LENGTH } from "../protocol/merkle/hash.ts";
import { tilesOfSize } from "../protocol/merkle/tile.ts";
import { applyEntry, type InForce, NOTHING_IN_FORCE } from "../protocol/registration/in-force.ts";
import type { TrustPin } from "../verifier/bundle/trust-pin.ts";
import type { AuditFinding, FindingCode } from "./audit-finding.ts";
import { ReplayedRecords } from "./replayed-records.ts";

const SEED_BYTES = 16;
/** "TchA" (SQLite file format §1.3.17). */
const APPLICATION_ID = 0x54636841;
const SCHEMA_VERSION = 3;
/** Of these versions, what was seen is kept; the log is replayed again. */
const OLDER_VERSIONS: readonly unknown[] = [1, 2];

const MEMORY = "CREATE TABLE memory (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID";
const REPLAYED = [
  "records",
  "tokens",
  "unconfirmed",
  "governing",
  "edge",
  "findings",
  ...REPLAYED_INDEX_TABLES,
];
const SCHEMA = `${REPLAYED_INDEX_SCHEMA}
  CREATE TABLE records (
    idx          INTEGER PRIMARY KEY,
    digest_tag   INTEGER NOT NULL, -- 32 bits of a hash of seed and digest, and of seed and kind, name and version
    identity_tag INTEGER NOT NULL,
    record       TEXT NOT NULL -- JSON
  ) STRICT;
  -- Tokens of identities, by their ids, and the entries with identities of which no checkpoint has shown in time that they were there.
  CREATE TABLE tokens (id BLOB PRIMARY KEY, idx INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE unconfirmed (idx INTEGER PRIMARY KEY, recorded_at TEXT NOT NULL) STRICT;
  -- The entries from which follows what is in force; a slot is taken by the newest one.
  CREATE TABLE governing (slot TEXT PRIMARY KEY, idx INTEGER NOT NULL, leaf BLOB NOT NULL) STRICT;
  -- Partial tiles at the right edge of the replayed tree.
  CREATE TABLE edge (level INTEGER PRIMARY KEY, idx INTEGER NOT NULL, hashes BLOB NOT NULL) STRICT;
  CREATE TABLE findings (number INTEGER PRIMARY KEY, code TEXT NOT NULL, idx INTEGER, message TEXT NOT NULL) STRICT;
`;

/** A checkpoint that the log had signed and its quorum cosigned. */
export interface SeenCheckpoint {
  readonly size: number;
  /** Hex. */
  readonly root: string;
  readonly note: string;
}

/** What was counted over the replayed part of the log. */
export interface Counts {
  entriesChecked: number;
  signaturesChecked: number;
  statusesRecomputed: number;
  attachmentsChecked: number;
}

export const NOTHING_COUNTED: Counts = {
  entriesChecked: 0,
  signaturesChecked: 0,
  statusesRecomputed: 0,
  attachmentsChecked: 0,
};

interface Memory {
  readonly pin: TrustPin | null;
  /** The newest authentic checkpoint. */
  readonly seen: SeenCheckpoint | null;
  /** Size at which the last complete audit ended. */
  readonly completed: number;
  readonly head: { readonly size: number; readonly root: string };
  readonly counts: Counts;
  readonly omitted: number;
  /** Whether the attachments of what was replayed were checked. */
  readonly withAttachments: boolean;
  /** Whether the index is built again with what is replayed: only where a trust root says that there is one. */
  readonly withIndex: boolean;
}

const NOTHING_REPLAYED = {
  head: { size: 0, root: "" },
  counts: NOTHING_COUNTED,
  omitted: 0,
  withAttachments: true,
  withIndex: false,
};
const NEW_MEMORY: Memory = { pin: null, seen: null, completed: 0, ...NOTHING_REPLAYED };

/**
 * One audit at a time has the file. Everything since the last `commit` is forgotten by `rollback` and by a crash; `remember` must be
 * called where nothing is open.
 */
export class AuditState {
  readonly #database: Database;
  readonly records: ReplayedRecords;
  readonly index: ReplayedIndex;

  private constructor(database: Database) {
    this.#database = database;
    this.records = new ReplayedRecords(database, seedOf(database));
    this.index = new ReplayedIndex(database);
  }

  /** @param file created where there is none; null for a temporary one. @throws FileError when it is not an audit's, or in use. */
  static open(file: string | null): AuditState {
    const name = file ?? "";
    let database: Database | undefined;
    try {
      database = openSqlite(name, { timeout: 0 });
      prepareFile(database, name);
      return new AuditState(database);
    } catch (error) {
      database?.close();
      throw asFileError(name, error);
    }
  }

  get memory(): Memory {
    const row = this.#database
      .prepare<[], { value: string }>("SELECT value FROM memory WHERE name = 'audit'")
      .get();
    return row === undefined ? NEW_MEMORY : (JSON.parse(row.value) as Memory);
  }

  remember(change: Partial<Memory>): void {
    this.#database
      .prepare("INSERT INTO memory VALUES ('audit', ?) ON CONFLICT DO UPDATE SET value = excluded.value")
      .run(JSON.stringify({ ...this.memory, ...change }));
  }

  findings(): AuditFinding[] {
    return this.#database
      .prepare<[], { code: FindingCode; idx: number | null; message: string }>(
        "SELECT code, idx, message FROM findings ORDER BY number",
      )
      .all()
      .map(({ code, idx, message }) => ({ code, index: idx, message }));
  }

  addFinding({ code, index, message }: AuditFinding): void {
    this.#database
      .prepare("INSERT INTO findings (code, idx, message) VALUES (?, ?, ?)")
      .run(code, index, message);
  }

  /** The replayed tree. Its root is what was committed with it. */
  async loadTree({ size, root }: Memory["head"]): Promise<GrowingTree> {
    if (size === 0) return GrowingTree.empty();
    const select = this.#database.prepare<[number, number], { hashes: Buffer }>(
      "SELECT hashes FROM edge WHERE level = ? AND idx = ?",
    );
    const readTile = async (level: number, index: number) => {
      const row = select.get(level, index);
      return row && { hashes: row.hashes, inner: null };
    };
    const head: TreeHead = { size, root: Buffer.from(root, "hex") };
    return GrowingTree.load({ readTile, readLeaves: async () => [] }, head);
  }

  /** What is in force after the replayed part. */
  loadInForce(size: number): InForce {
    let inForce = NOTHING_IN_FORCE;
    for (const { index, leaf } of this.records.governing()) {
      inForce = applyEntry(inForce, { ...parseLeaf(leaf), index });
    }
    return { ...inForce, size };
  }

  /** Starts to change what was replayed, unless that has been started. */
  begin(): void {
    if (!this.#database.inTransaction) this.#database.exec("BEGIN");
  }

  /** Makes durable what was replayed, up to this tree. */
  commit(tree: GrowingTree, counts: Counts, omitted: number): void {
    const replace = this.#database.prepare("INSERT INTO edge VALUES (?, ?, ?)");
    this.#database.exec("DELETE FROM edge");
    for (const { level, full, partial } of tilesOfSize(tree.size)) {
      const nodes = tree.edgeTile(level, full);
      if (partial > 0 && nodes) replace.run(level, full, nodes.hashes.subarray(0, partial * HASH_LENGTH));
    }
    const root = Buffer.from(tree.root()).toString("hex");
    this.remember({ head: { size: tree.size, root }, counts, omitted });
    this.#database.exec("COMMIT");
  }

  rollback(): void {
    if (!this.#database.inTransaction) return;
    this.#database.exec("ROLLBACK");
    this.records.reload();
  }

  /** The root of the index over everything that was replayed, hex. What is replayed later may well state one that is over less. */
  drawIndex(): string | null {
    this.begin();
    try {
      return this.index.rootAt(this.memory.head.size) ?? null;
    } finally {
      this.rollback();
    }
  }

  /** Forgets what was replayed, and keeps what was seen. */
  restart(withIndex: boolean): void {
    this.#database.transaction(() => {
      for (const table of REPLAYED) this.#database.exec(`DELETE FROM ${table}`);
      this.remember({ ...NOTHING_REPLAYED, completed: 0, withIndex });
    })();
    this.records.reload();
  }

  close(): void {
    this.#database.close();
  }
}

function asFileError(file: string, error: unknown): unknown {
  if (!isSqliteError(error)) return error;
  const busy = error.code === "SQLITE_BUSY";
  return new FileError(file, busy ? "is in use by another audit" : `cannot be opened: ${error.message}`);
}

function prepareFile(database: Database, file: string): void {
  const id = database.pragma("application_id", { simple: true });
  const version = database.pragma("user_version", { simple: true });
  const tables = database.prepare<[], { n: number }>("SELECT count(*) AS n FROM sqlite_schema").get()?.n ?? 0;
  const isOlder = OLDER_VERSIONS.includes(version);
  if (tables > 0 && (id !== APPLICATION_ID || !(isOlder || version === SCHEMA_VERSION))) {
    throw new FileError(file, "is not the state file of an audit, or of another version; name another file");
  }
  database.pragma("locking_mode = EXCLUSIVE");
  database.pragma("journal_mode = WAL");
  database.pragma("synchronous = NORMAL");
  database.transaction(() => {
    if (tables === 0) database.exec(MEMORY);
    if (isOlder) forgetReplayed(database);
    if (tables === 0 || isOlder) database.exec(SCHEMA);
    database.pragma(`application_id = ${APPLICATION_ID}`);
    database.pragma(`user_version = ${SCHEMA_VERSION}`);
  })();
}

function forgetReplayed(database: Database): void {
  for (const table of REPLAYED) database.exec(`DROP TABLE IF EXISTS ${table}`);
  const forgotten = JSON.stringify({ ...NOTHING_REPLAYED, completed: 0 });
  database.prepare("UPDATE memory SET value = json_patch(value, ?) WHERE name = 'audit'").run(forgotten);
}

/** The seed of a file's tags, drawn with it. */
function seedOf(database: Database): string {
  const drawn = randomBytes(SEED_BYTES).toString("hex");
  database.prepare("INSERT INTO memory VALUES ('seed', ?) ON CONFLICT DO NOTHING").run(drawn);
  return database.prepare<[], string>("SELECT value FROM memory WHERE name = 'seed'").pluck().get() as string;
}
