// No statement of the store walks the log: the plan that SQLite chooses for each of them at 100,000 entries, with and without what
// ANALYZE knows of them. A plan with SCAN reads every row of what it names.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Database } from "better-sqlite3";
import { afterAll, beforeAll, expect, test } from "vitest";
import { SqliteInspection } from "../../../src/log/store/sqlite/inspection.ts";
import { openForWriting } from "../../../src/log/store/sqlite/open.ts";
import { SqliteReader } from "../../../src/log/store/sqlite/sqlite-reader.ts";
import { SqliteWriter } from "../../../src/log/store/sqlite/sqlite-writer.ts";
import { NOW } from "../../support/clock.ts";
import { sha256Of } from "../../support/release-predicates.ts";

const ENTRIES = 100_000;

let folder: string;
let database: Database;
let reader: SqliteReader;
/** Every statement that was prepared. */
const statements = new Set<string>();

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "touchstone-plans-"));
  const opened = openForWriting(join(folder, "log.db"), { now: NOW });
  database = opened.database;
  fill();
  const prepare = database.prepare.bind(database);
  database.prepare = ((sql: string) => {
    statements.add(sql);
    return prepare(sql);
  }) as Database["prepare"];
  new SqliteWriter(opened, { id: "test", address: null });
  new SqliteInspection(database);
  reader = new SqliteReader(opened);
  const [key, digest] = [sha256Of("key"), sha256Of("digest")];
  for (const query of [{ kind: "policy" }, { version: "1" }, { kind: "policy", version: "1" }] as const)
    await reader.search({ ...query, name: "a", publisher: key, digest, before: ENTRIES, limit: 9 });
  database.prepare = prepare;
}, 120_000);
afterAll(async () => {
  await reader.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Entries of a few kinds and many names, each with a signer, two digests and a checkpoint, in tiles. */
function fill(): void {
  database.pragma("synchronous = OFF");
  const numbers = `WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ${ENTRIES})`;
  const rows = {
    entries:
      "i, x'00', CAST(printf('%032d', i) AS BLOB), iif(i % 9, 'platform', 'policy'), printf('name-%d', i / 3), printf('%d', i)",
    entry_signers: "CAST(printf('%032d', i % 5) AS BLOB), i",
    entry_digests: "i * 7919, i",
    tiles: "0, i, zeroblob(32), NULL",
    checkpoints: "i + 1, i + 1, i + 1, 'note'",
    attachments: "CAST(printf('%032d', i) AS BLOB), x'00'",
  };
  database.transaction(() => {
    for (const [table, values] of Object.entries(rows))
      database.exec(`${numbers} INSERT INTO ${table} SELECT ${values} FROM n`);
  })();
}

/** The lines of SQLite's plan; which values are bound does not matter to it. */
function planOf(sql: string): string[] {
  const values = sql.includes("@size") ? [{ size: null }] : Array<null>(sql.split("?").length - 1).fill(null);
  const lines = database.prepare<unknown[], { detail: string }>(`EXPLAIN QUERY PLAN ${sql}`).all(...values);
  return lines.map(({ detail }) => detail);
}

/** Reads everything since it is about everything: fsck alone asks. */
const WHOLE = /count\(\*\)|SELECT digest FROM attachments/;

test.each(["as a log is served", "after ANALYZE"])("no statement walks the log, %s", (when) => {
  if (when === "after ANALYZE") database.exec("ANALYZE");
  expect(statements.size).toBeGreaterThan(25);
  for (const sql of statements) {
    if (WHOLE.test(sql)) continue;
    const scanned = planOf(sql).flatMap((line) => /^SCAN (\w+)/.exec(line)?.[1] ?? []);
    // What was asked for, the kinds there are, the one head, and checkpoints from the end on, of which one is taken.
    const allowed = ["asked", "kinds", "tree_head", ...(sql.includes("LIMIT 1") ? ["checkpoints"] : [])];
    for (const name of scanned) expect(allowed, sql).toContain(name);
  }
  if (when === "after ANALYZE") database.exec("DROP TABLE IF EXISTS sqlite_stat1");
});

test("the newest policy of each name is found among the policies alone", () => {
  const inForce = [...statements].find((sql) => sql.includes("GROUP BY name")) ?? "";
  const uses = planOf(inForce).filter((line) => line.includes("entries"));
  expect(uses.length).toBeGreaterThan(0);
  for (const line of uses) expect(line).toMatch(/USING (?:COVERING )?INDEX entries_by_kind/);
});
