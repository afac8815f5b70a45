// Flips every column of every table of the database, at its beginning and at its end: fsck finds each flip, or it is listed as harmless.
import { copyFileSync, rmSync } from "node:fs";
import Sqlite, { type Database } from "better-sqlite3";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { HighWaterFile } from "../../../src/log/checkpointing/high-water.ts";
import { StartRefusedError } from "../../../src/log/errors.ts";
import { fsck } from "../../../src/log/maintenance/fsck.ts";
import { readMigrations } from "../../../src/log/store/migrations.ts";
import { openSnapshot } from "../../../src/log/store/open-store.ts";
import { migrate } from "../../../src/log/store/sqlite/migrate.ts";
import { MIGRATIONS_FOLDER } from "../../../src/log/store/sqlite/open.ts";
import { NOW } from "../../support/clock.ts";
import { changeDatabase } from "../../support/damage-database.ts";
import { identityKeysPredicate, identityRoles } from "../../support/identity-log.ts";
import { testKeys } from "../../support/keys.ts";
import { LogHarness } from "../../support/log-harness.ts";
import { FakeProvider } from "../../support/provider.ts";
import { kernelPredicate, platformPredicate, sha256Of } from "../../support/release-predicates.ts";
import { signPlatforms, signStatement } from "../../support/signing.ts";

/** What nobody can find out, and why nothing follows from it. */
const HARMLESS = new Map([
  ["schema_migrations.applied_at", "when a migration ran is for people to read; no program looks at it"],
  ["tree_head.epoch", "it was raised once too often, and every opening raises it anyway"],
  ["tree_head.holder", "readers are told who leads; nothing else follows from it"],
  [
    "tree_head.address",
    "who forwards an entry to somebody else gets it back with a proof that does not verify",
  ],
]);

type Row = Record<string, number | string | Buffer | null>;

function columns(): Array<[table: string, column: string]> {
  const database = new Sqlite(":memory:");
  migrate(database, readMigrations(MIGRATIONS_FOLDER), NOW);
  const found = database
    .prepare<[], { name: string; column: string }>(
      `SELECT s.name, c.name AS column FROM sqlite_schema s JOIN pragma_table_info(s.name) c
        WHERE s.type = 'table' ORDER BY s.name, c.cid`,
    )
    .all();
  database.close();
  return found.map(({ name, column }) => [name, column]);
}

let harness: LogHarness;
const sound = () => `${harness.databaseFile}.sound`;

beforeAll(async () => {
  harness = await LogHarness.make({ withStatus: true, trustRoot: await identityRoles(await testKeys()) });
  const log = await harness.create();
  await log.publish(await signPlatforms(harness.keys, "vm", 260));
  const kernel = kernelPredicate("attached");
  const attachment = { digest: sha256Of("[]"), size: 2, mediaType: "application/json" as const };
  const attached = { ...kernel, patches: { ...kernel.patches, inline: null, attachment } };
  const envelope = await signStatement("kernel-patch-set", attached, [harness.keys.publisher]);
  await log.publish([envelope, new TextEncoder().encode("[]")]);
  const provider = await FakeProvider.create();
  await log.publish([
    await signStatement("identity-keys", identityKeysPredicate([provider]), harness.keys.root),
    await provider.signStatement("platform", platformPredicate("by-a-pipeline")),
  ]);
  await log.close();
  copyFileSync(harness.databaseFile, sound());
});
afterAll(() => harness.remove());

const flipped = (bytes: Buffer, at: number): Buffer => {
  const copy = Buffer.from(bytes);
  copy[at] = (copy[at] ?? 0) ^ 1;
  return copy;
};

/** What may stand there instead: where another row has the first of them as its key, the second is taken. */
function flips(value: Row[string], end: "first" | "last"): Row[string][] {
  if (typeof value === "number")
    return end === "first" ? [value + 1, value + 1000] : [value - 1, value + 2000];
  const bytes = Buffer.from(value as string);
  const changed = flipped(bytes, end === "first" ? 0 : bytes.length - 1);
  return typeof value === "string" ? [changed.toString("latin1"), `${value}~`] : [changed];
}

/** Of a row in the middle, which has a value there. */
function flipColumn(database: Database, table: string, column: string, end: "first" | "last"): void {
  const rows = database.prepare<[], Row>(`SELECT * FROM ${table} WHERE ${column} IS NOT NULL`).all();
  const row = rows[Math.floor(rows.length / 2)] ?? {};
  const where = Object.keys(row).map((name) => `${name} IS ?`);
  const update = database.prepare(`UPDATE OR IGNORE ${table} SET ${column} = ? WHERE ${where.join(" AND ")}`);
  const isFlipped = flips(row[column] ?? null, end).some(
    (value) => update.run(value, ...Object.values(row)).changes === 1,
  );
  expect(isFlipped, `${table}.${column} has a row to flip`).toBe(true);
}

function damage(table: string, column: string, end: "first" | "last"): void {
  for (const suffix of ["-wal", "-shm"]) rmSync(harness.databaseFile + suffix, { force: true });
  copyFileSync(sound(), harness.databaseFile);
  changeDatabase(harness.databaseFile, (database) => flipColumn(database, table, column, end));
}

async function isFound(): Promise<boolean> {
  try {
    const store = await openSnapshot(harness.databaseFile);
    try {
      return (await fsck(store, new HighWaterFile(harness.highWaterPath))).findings.length > 0;
    } finally {
      await store.close();
    }
  } catch (error) {
    if (error instanceof StartRefusedError) return true;
    throw error;
  }
}

describe("a flip", () => {
  it.each(columns())("in %s.%s is found", async (table, column) => {
    for (const end of ["first", "last"] as const) {
      damage(table, column, end);
      expect(await isFound(), `its ${end} bit`).toBe(!HARMLESS.has(`${table}.${column}`));
    }
  });

  it("is harmless only in columns that there are", () => {
    const known = columns().map(([table, column]) => `${table}.${column}`);
    for (const name of HARMLESS.keys()) expect(known).toContain(name);
  });
});
