// Keeps what a monitor knows, in one SQLite file: what each vantage point has shown, which findings are open, and the messages that are
// still to be delivered. A round's outcome is one transaction, so whatever kills the monitor, nothing is told twice or forgotten.
import { FileError } from "../../node/file-error.ts";
import { isSqliteError, openSqlite } from "../../node/sqlite.ts";
import type { SeenCheckpoint } from "../audit-state.ts";
import type { SplitView } from "../split-view.ts";
import type { FindingClass } from "./finding.ts";

/** "TchM" (SQLite file format §1.3.17). */
const APPLICATION_ID = 0x5463684d;
/** Notes of the log that no tree could be held against yet. Who has the log's key could make any number of them. */
const MAX_WAITING = 1000;

const SCHEMA = `
  -- The log, and as JSON the checkpoint up to which it was replayed.
  CREATE TABLE log (origin TEXT NOT NULL, followed TEXT) STRICT;
  -- The newest checkpoint with a quorum that a vantage point has shown, as JSON.
  CREATE TABLE vantages (name TEXT PRIMARY KEY, seen TEXT NOT NULL) STRICT, WITHOUT ROWID;
  -- Checkpoints that the log signed, until they were held against the tree.
  CREATE TABLE waiting (
    size INTEGER NOT NULL, root TEXT NOT NULL, vantage TEXT NOT NULL, note TEXT NOT NULL,
    PRIMARY KEY (size, root)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE findings (
    key      TEXT PRIMARY KEY,
    state    TEXT NOT NULL, -- suspected, open, ended, acknowledged
    class    TEXT NOT NULL,
    code     TEXT NOT NULL,
    subject  TEXT NOT NULL,
    message  TEXT NOT NULL,
    since    INTEGER NOT NULL, -- milliseconds
    openings INTEGER NOT NULL,
    proof    TEXT -- JSON
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE outbox (
    id TEXT PRIMARY KEY, body TEXT NOT NULL, number INTEGER NOT NULL, attempts INTEGER NOT NULL, due INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  -- Entries under watched names, keys and kinds, as far as the log was looked through.
  CREATE TABLE watched (
    idx INTEGER PRIMARY KEY, digest TEXT NOT NULL, entry TEXT NOT NULL, why TEXT NOT NULL
  ) STRICT;
  CREATE TABLE looked_through (watch TEXT NOT NULL, size INTEGER NOT NULL) STRICT;
`;

export type FindingState = "suspected" | "open" | "ended" | "acknowledged";

/** A finding as it is kept. */
export interface KeptFinding {
  readonly key: string;
  readonly state: FindingState;
  readonly class: FindingClass;
  readonly code: string;
  readonly subject: string;
  readonly message: string;
  /** Milliseconds: when it was found first, or ended. */
  readonly since: number;
  /** How often it was opened. */
  readonly openings: number;
  readonly proof: SplitView | null;
}

/** A checkpoint that the log signed and that some vantage point has shown. */
export interface WaitingNote {
  readonly size: number;
  /** Hex. */
  readonly root: string;
  readonly vantage: string;
  readonly note: string;
}

export interface Message {
  readonly id: string;
  readonly body: string;
  readonly attempts: number;
}

export interface WatchedEntry {
  readonly index: number;
  /** Hex SHA-256 of the payload. */
  readonly digest: string;
  /** "kind/name@version". */
  readonly entry: string;
  readonly why: string;
}

interface FindingRow extends Omit<KeptFinding, "proof"> {
  readonly proof: string | null;
}

type Database = ReturnType<typeof openSqlite>;

export class MonitorStore {
  readonly #database: Database;

  private constructor(database: Database) {
    this.#database = database;
  }

  /** @param origin of the log. @throws FileError when the file is no monitor's, of another log's, or in use. */
  static open(file: string, origin: string): MonitorStore {
    let database: Database | undefined;
    try {
      database = openSqlite(file, { timeout: 0 });
      prepare(database, file, origin);
      return new MonitorStore(database);
    } catch (error) {
      database?.close();
      if (!isSqliteError(error)) throw error;
      const busy = error.code === "SQLITE_BUSY";
      throw new FileError(file, busy ? "is in use by another monitor" : `cannot be opened: ${error.message}`);
    }
  }

  /** Runs changes as one transaction. */
  atOnce(work: () => void): void {
    this.#database.transaction(work)();
  }

  /** The checkpoint up to which the log was replayed. */
  followed(): SeenCheckpoint | null {
    const row = this.#database.prepare<[], { followed: string | null }>("SELECT followed FROM log").get();
    return row?.followed == null ? null : (JSON.parse(row.followed) as SeenCheckpoint);
  }

  follow(seen: SeenCheckpoint): void {
    this.#database.prepare("UPDATE log SET followed = ?").run(JSON.stringify(seen));
  }

  seenBy(vantage: string): SeenCheckpoint | null {
    const row = this.#database
      .prepare<[string], { seen: string }>("SELECT seen FROM vantages WHERE name = ?")
      .get(vantage);
    return row === undefined ? null : (JSON.parse(row.seen) as SeenCheckpoint);
  }

  see(vantage: string, seen: SeenCheckpoint): void {
    this.#database
      .prepare("INSERT OR REPLACE INTO vantages VALUES (?, ?)")
      .run(vantage, JSON.stringify(seen));
  }

  /** Keeps a checkpoint until it is held against the tree; one of the same size and root that waits already is enough. */
  wait({ size, root, vantage, note }: WaitingNote): void {
    const { n } = this.#database.prepare<[], { n: number }>("SELECT count(*) AS n FROM waiting").get() ?? {
      n: 0,
    };
    if (n >= MAX_WAITING) return;
    this.#database
      .prepare("INSERT OR IGNORE INTO waiting VALUES (?, ?, ?, ?)")
      .run(size, root, vantage, note);
  }

  /** @param size the largest tree that there is to hold them against. */
  waitingUpTo(size: number): WaitingNote[] {
    return this.#database
      .prepare<[number], WaitingNote>("SELECT * FROM waiting WHERE size <= ? ORDER BY size")
      .all(size);
  }

  waitNoLonger({ size, root }: Pick<WaitingNote, "size" | "root">): void {
    this.#database.prepare("DELETE FROM waiting WHERE size = ? AND root = ?").run(size, root);
  }

  finding(key: string): KeptFinding | undefined {
    const row = this.#database.prepare<[string], FindingRow>("SELECT * FROM findings WHERE key = ?").get(key);
    return row && asFinding(row);
  }

  findings(state: FindingState): KeptFinding[] {
    return this.#database
      .prepare<[string], FindingRow>("SELECT * FROM findings WHERE state = ? ORDER BY since, key")
      .all(state)
      .map(asFinding);
  }

  keep(finding: KeptFinding): void {
    const { key, state, class: kind, code, subject, message, since, openings, proof } = finding;
    this.#database
      .prepare("INSERT OR REPLACE INTO findings VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)")
      .run(key, state, kind, code, subject, message, since, openings, proof && JSON.stringify(proof));
  }

  forget(key: string): void {
    this.#database.prepare("DELETE FROM findings WHERE key = ?").run(key);
  }

  post(id: string, body: string): void {
    this.#database
      .prepare("INSERT OR IGNORE INTO outbox SELECT ?, ?, ifnull(max(number), 0) + 1, 0, 0 FROM outbox")
      .run(id, body);
  }

  /** Messages that may be sent at this time (milliseconds), oldest first. */
  due(now: number): Message[] {
    return this.#database
      .prepare<[number], Message>("SELECT id, body, attempts FROM outbox WHERE due <= ? ORDER BY number")
      .all(now);
  }

  undelivered(): number {
    return this.#database.prepare<[], { n: number }>("SELECT count(*) AS n FROM outbox").get()?.n ?? 0;
  }

  delivered(id: string): void {
    this.#database.prepare("DELETE FROM outbox WHERE id = ?").run(id);
  }

  postpone(id: string, due: number): void {
    this.#database.prepare("UPDATE outbox SET attempts = attempts + 1, due = ? WHERE id = ?").run(due, id);
  }

  /** How far the log was looked through for these watches; from the start where they are others than before. */
  lookedThrough(watch: string): number {
    const row = this.#database
      .prepare<[], { watch: string; size: number }>("SELECT * FROM looked_through")
      .get();
    return row?.watch === watch ? row.size : 0;
  }

  lookThrough(watch: string, from: number, size: number, found: readonly WatchedEntry[]): void {
    const insert = this.#database.prepare("INSERT OR REPLACE INTO watched VALUES (?, ?, ?, ?)");
    this.atOnce(() => {
      this.#database.prepare("DELETE FROM watched WHERE idx >= ?").run(from);
      this.#database.exec("DELETE FROM looked_through");
      for (const { index, digest, entry, why } of found) insert.run(index, digest, entry, why);
      this.#database.prepare("INSERT INTO looked_through VALUES (?, ?)").run(watch, size);
    });
  }

  watched(): WatchedEntry[] {
    return this.#database
      .prepare<[], WatchedEntry>("SELECT idx AS 'index', digest, entry, why FROM watched ORDER BY idx")
      .all();
  }

  close(): void {
    this.#database.close();
  }
}

function asFinding(row: FindingRow): KeptFinding {
  return { ...row, proof: row.proof === null ? null : (JSON.parse(row.proof) as SplitView) };
}

function prepare(database: Database, file: string, origin: string): void {
  const id = database.pragma("application_id", { simple: true });
  const tables = database.prepare<[], { n: number }>("SELECT count(*) AS n FROM sqlite_schema").get()?.n ?? 0;
  if (tables > 0 && id !== APPLICATION_ID)
    throw new FileError(file, "is not the state of a monitor; name another folder");
  database.pragma("locking_mode = EXCLUSIVE");
  database.pragma("journal_mode = WAL");
  database.pragma("synchronous = FULL");
  database.transaction(() => {
    if (tables === 0) {
      database.exec(SCHEMA);
      database.prepare("INSERT INTO log VALUES (?, NULL)").run(origin);
    }
    database.pragma(`application_id = ${APPLICATION_ID}`);
  })();
  const known = database.prepare<[], { origin: string }>("SELECT origin FROM log").get()?.origin;
  if (known !== origin)
    throw new FileError(file, `is about ${known}, not ${origin}; use one folder for each log`);
}
