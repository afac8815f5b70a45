// What SQLite adds to the store's contract: append-only whatever the program does, synced at every commit, known schema, full disk.
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Sqlite from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { HighWaterFile } from "../../../src/log/checkpointing/high-water.ts";
import { fsck } from "../../../src/log/maintenance/fsck.ts";
import { openLog } from "../../../src/log/open-or-create.ts";
import type { TileWrite } from "../../../src/log/store/log-store.ts";
import { readMigrations } from "../../../src/log/store/migrations.ts";
import { copyStore, openSnapshot } from "../../../src/log/store/open-store.ts";
import { MIGRATIONS_FOLDER, openForReading, openForWriting } from "../../../src/log/store/sqlite/open.ts";
import { pathProblems } from "../../../src/log/store/sqlite/schema.ts";
import { SqliteReader } from "../../../src/log/store/sqlite/sqlite-reader.ts";
import { SqliteWriter } from "../../../src/log/store/sqlite/sqlite-writer.ts";
import { GrowingTree } from "../../../src/log/tree/growing-tree.ts";
import { TileNodes } from "../../../src/log/tree/tile-nodes.ts";
import { encodeHex } from "../../../src/protocol/encoding/hex.ts";
import { hashLeaf } from "../../../src/protocol/merkle/hash.ts";
import { NOW } from "../../support/clock.ts";
import { LogHarness } from "../../support/log-harness.ts";
import { sha256Of } from "../../support/release-predicates.ts";
import { signPlatforms } from "../../support/signing.ts";
import { auditAsStranger } from "../../support/stranger.ts";
import { leaf, oneEntry } from "./entries.ts";

let folder: string;
const file = () => join(folder, "log.db");
/** The writer on this thread, and its connection. */
const open = () => {
  const opened = openForWriting(file(), { now: NOW });
  return { writer: new SqliteWriter(opened, { id: "test", address: null }), database: opened.database };
};

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "touchstone-store-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe("the database itself", () => {
  it("refuses to change or remove what is written once", () => {
    const { writer, database } = open();
    writer.append(0, oneEntry(0));
    writer.append(1, { ...oneEntry(1), attachments: [{ digest: sha256Of("x"), bytes: leaf }] });
    writer.addCheckpoint({ size: 2, cosignedAt: 1, note: "note" });
    database.exec("INSERT INTO tile_paths VALUES (0, zeroblob(1088))");
    const forbidden = [
      "UPDATE entries SET name = 'x'",
      "DELETE FROM entries",
      "INSERT INTO entries VALUES (7, x'00', zeroblob(32), 'platform', 'gap', '1')",
      "UPDATE tiles SET hashes = zeroblob(64)",
      "UPDATE tiles SET hashes = substr(hashes, 1, 32)",
      "DELETE FROM tiles",
      "UPDATE tile_paths SET number = 7",
      "DELETE FROM tile_paths",
      "UPDATE tree_head SET size = 1",
      "DELETE FROM tree_head",
      "UPDATE checkpoints SET note = 'x'",
      "DELETE FROM checkpoints",
      "UPDATE attachments SET bytes = x'00'",
      "DELETE FROM attachments",
      "UPDATE tree_head SET epoch = 0",
      "UPDATE tree_head SET epoch = 9, root = randomblob(32)",
      "INSERT INTO tree_head VALUES (2, 0, zeroblob(32), 0, '', '')",
    ];
    for (const sql of forbidden) expect(() => database.exec(sql), sql).toThrow();
    writer.close();
  });

  it("is durable at every append, and says so, also after a checkpoint, which waits for the next one", () => {
    const { writer, database } = open();
    const settings = () =>
      ["synchronous", "journal_mode"].map((name) => database.pragma(name, { simple: true }));
    expect(settings()).toEqual([2, "wal"]);
    writer.append(0, oneEntry(0));
    writer.addCheckpoint({ size: 1, cosignedAt: 1, note: "note" });
    expect(settings()).toEqual([2, "wal"]);
    const broken = { size: 0, cosignedAt: 1, note: "note" };
    expect(() => writer.addCheckpoint(broken)).toThrow(/CHECK/);
    expect(settings()).toEqual([2, "wal"]);
    expect(database.pragma("user_version", { simple: true })).toBe(readMigrations(MIGRATIONS_FOLDER).length);
    writer.close();
  });
});

describe("pages", () => {
  const pageBytes = (of: string) => {
    const database = new Sqlite(of, { readonly: true });
    const bytes = database.pragma("page_size", { simple: true });
    database.close();
    return bytes;
  };

  it("are of 8 KiB in a new database, and in the backup of one that was founded with others", async () => {
    const small = new Sqlite(file());
    small.exec("PRAGMA page_size = 4096; PRAGMA journal_mode = WAL; CREATE TABLE t (x); DROP TABLE t");
    small.close();
    const { writer } = open();
    for (let i = 0; i < 9; i++) writer.append(i, oneEntry(i));
    writer.addCheckpoint({ size: 9, cosignedAt: 1, note: "note" });
    expect(pageBytes(file())).toBe(4096);
    await copyStore(file(), join(folder, "backup.db"));
    writer.close();
    expect(pageBytes(join(folder, "backup.db"))).toBe(8192);
    const copy = await openSnapshot(join(folder, "backup.db"));
    expect(await copy.inspection.integrity()).toEqual([]);
    expect((await copy.inspection.counts()).entries).toBe(9);
    expect((await copy.newestCheckpoint())?.size).toBe(9);
    await copy.close();
    openForWriting(join(folder, "new.db"), { now: NOW }).close();
    expect(pageBytes(join(folder, "new.db"))).toBe(8192);
  });
});

describe("migrations", () => {
  const migrations = (...files: Array<[name: string, sql: string]>) => {
    const into = join(folder, `migrations-${files.map(([, sql]) => sql.length).join("-")}`);
    mkdirSync(into);
    for (const [name, sql] of files) writeFileSync(join(into, name), sql);
    return into;
  };
  const FIRST: [string, string] = ["0001_log.sql", "CREATE TABLE a (x INTEGER) STRICT;"];
  const SECOND: [string, string] = [
    "0002_more.sql",
    "CREATE TABLE b (x INTEGER) STRICT; INSERT INTO b SELECT x + 1 FROM a;",
  ];
  const openWith = (migrationsFolder: string) => openForWriting(file(), { now: NOW, migrationsFolder });

  it("run in order, once, and leave their digest", () => {
    openWith(migrations(FIRST)).close();
    const { database, close } = openWith(migrations(FIRST, SECOND));
    expect(database.prepare("SELECT version, name, applied_at FROM schema_migrations").all()).toEqual([
      { version: 1, name: "log", applied_at: NOW.toISOString() },
      { version: 2, name: "more", applied_at: NOW.toISOString() },
    ]);
    close();
  });

  it("refuse a file that changed since it ran", () => {
    openWith(migrations(FIRST)).close();
    const changed = migrations(["0001_log.sql", `${FIRST[1]} -- changed`]);
    expect(() => openWith(changed)).toThrow(
      expect.objectContaining({ code: "schema-unknown", message: expect.stringContaining("SHA-256") }),
    );
  });

  it("refuse a database of a newer program", () => {
    openWith(migrations(FIRST, SECOND)).close();
    expect(() => openWith(migrations(FIRST))).toThrow(expect.objectContaining({ code: "schema-unknown" }));
    expect(() =>
      openForReading(
        file(),
        migrations([...FIRST.slice(0, 1), FIRST[1]] as [string, string], ["0002_x.sql", "SELECT 1;"]),
      ),
    ).toThrow();
  });

  it("leave nothing behind when one fails", () => {
    openWith(migrations(FIRST)).close();
    const failing = migrations(FIRST, [
      "0002_more.sql",
      "CREATE TABLE c (x INTEGER) STRICT; INSERT INTO nowhere VALUES (1);",
    ]);
    expect(() => openWith(failing)).toThrow(/nowhere/);
    const { database, close } = openWith(migrations(FIRST, SECOND));
    expect(database.prepare("SELECT name FROM sqlite_schema WHERE name = 'c'").all()).toEqual([]);
    close();
  });

  it("refuse a gap in the numbers, another name, and a database that is no log", () => {
    expect(() => openWith(migrations(FIRST, ["0003_x.sql", "SELECT 1;"]))).toThrow(/0002/);
    expect(() => openWith(migrations(["readme.txt", "hello"]))).toThrow(/0001/);
    const foreign = new Sqlite(file());
    foreign.exec("CREATE TABLE notes (x)");
    foreign.close();
    expect(() => openForWriting(file(), { now: NOW })).toThrow(
      expect.objectContaining({ code: "schema-unknown" }),
    );
    expect(() => openForReading(file())).toThrow(expect.objectContaining({ code: "schema-unknown" }));
  });

  it("must have run before a reader opens", () => {
    openWith(migrations(FIRST)).close();
    expect(() => openForReading(file(), migrations(FIRST, SECOND))).toThrow(
      /schema version 1, this program needs 2/,
    );
  });

  it("give a log of before what its proofs are made of", async () => {
    const before = readdirSync(MIGRATIONS_FOLDER)
      .filter((name) => name < "0006")
      .map((name): [string, string] => [name, readFileSync(join(MIGRATIONS_FOLDER, name), "utf8")]);
    const tree = GrowingTree.empty();
    for (let i = 0; i < 256; i++) tree.append(hashLeaf(Uint8Array.of(i)));
    const [{ hashes, inner }] = tree.takeWrites() as [TileWrite];
    const { database, close } = openWith(migrations(...before));
    for (const idx of [0, 1]) {
      database.prepare("INSERT INTO tiles VALUES (0, ?, ?, ?)").run(idx, hashes, inner);
    }
    close();
    openForWriting(file(), { now: NOW }).close();
    const reader = new SqliteReader(openForReading(file()));
    const nodes = TileNodes.of({ hashes, inner });
    for (let i = 0; i < 256; i += 5) {
      expect((await reader.readPath(1, i))?.map(encodeHex)).toEqual(nodes.path(i).map(encodeHex));
    }
    expect(pathProblems(reader.database)).toEqual([]);
    await reader.close();
  });

  it("that come with the program are the ones this test was written for", () => {
    expect(readMigrations(MIGRATIONS_FOLDER).map(({ name }) => name)).toEqual([
      "log",
      "entries_by_name",
      "entries_by_kind_and_version",
      "tokens",
      "epoch",
      "tile_paths",
    ]);
    expect(readFileSync(join(MIGRATIONS_FOLDER, "0001_log.sql"), "utf8")).toContain("STRICT");
  });
});

/** A file system of 3 MiB. Only root may mount one. */
function mountSmall(path: string): boolean {
  mkdirSync(path, { recursive: true });
  return spawnSync("mount", ["-t", "tmpfs", "-o", "size=3m", "tmpfs", path]).status === 0;
}

describe("a full disk", () => {
  it("refuses entries with nothing half done, and takes them again once there is room", async (context) => {
    const harness = await LogHarness.make({ withStatus: true });
    if (!mountSmall(harness.folder)) {
      harness.remove();
      context.skip("mounting a tmpfs needs root");
    }
    try {
      const log = await harness.create();
      const accepted: number[] = [];
      const refused: string[] = [];
      for (const entry of await signPlatforms(harness.keys, "vm", 1500)) {
        try {
          accepted.push((await log.publish([entry]))[0]!.index);
        } catch (error) {
          refused.push((error as { code: string }).code);
          if (refused.length > 3) break;
        }
      }
      expect(new Set(refused)).toEqual(new Set(["storage-failed"]));
      expect(accepted).toEqual(accepted.map((_, i) => i + 2));
      await auditAsStranger(log.read, log.read.inForce.trustRoots[0]!.root.logPolicy);
      execFileSync("mount", ["-o", "remount,size=30m", harness.folder]);
      const [late] = await signPlatforms(harness.keys, "late", 1);
      expect((await log.publish([late!]))[0]).toMatchObject({
        index: accepted.length + 2,
        state: "published",
      });
      await log.close();
      const store = await openSnapshot(harness.databaseFile);
      expect((await fsck(store, new HighWaterFile(harness.highWaterPath))).findings).toEqual([]);
      await store.close();
      const again = await openLog(await harness.config());
      expect(again.read.published()?.checkpoint.size).toBe(accepted.length + 3);
      await again.close();
    } finally {
      execFileSync("umount", ["-l", harness.folder]);
      harness.remove();
    }
  });
});
