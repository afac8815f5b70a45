// What PostgreSQL adds to the store's contract: append-only whatever the program does, roles, known schema, and a server that is refused
// because it would lose what it acknowledges.
import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { openSnapshot, openStore } from "../../../src/log/store/open-store.ts";
import { MIGRATIONS_FOLDER, prepareSchema } from "../../../src/log/store/postgres/open.ts";
import { PostgresCluster } from "../../../src/log/store/postgres/postgres-cluster.ts";
import { isSchemaName, type PostgresLocation, schemaOf } from "../../../src/log/store/store-location.ts";
import { NOW } from "../../support/clock.ts";
import { TestPostgres, whyNoPostgres } from "../../support/postgres.ts";
import { PostgresProxy } from "../../support/postgres-proxy.ts";
import { sha256Of } from "../../support/release-predicates.ts";
import { leaf, oneEntry } from "./entries.ts";

const me = { id: "me", address: null };
const never = () => new AbortController().signal;

describe.skipIf(whyNoPostgres !== undefined)(
  `a log on PostgreSQL${whyNoPostgres === undefined ? "" : ` (skipped: ${whyNoPostgres})`}`,
  () => {
    let postgres: TestPostgres;
    let location: PostgresLocation;
    const sql = (text: string) => postgres.sql(text, location.schema);

    beforeAll(() => {
      postgres = TestPostgres.start();
    });
    beforeEach(() => {
      location = postgres.location();
    });
    afterAll(() => postgres.remove());

    it("walks no table for an append, by a plan of which there was nothing to know either", async () => {
      const store = await openStore(location, NOW);
      for (let index = 0; index < 20; index++) await store.append(index, oneEntry(index));
      // What a session has counted is there at its end at the latest.
      await store.close();
      const walked = () =>
        sql(
          "SELECT relname || ' ' || seq_tup_read FROM pg_stat_user_tables WHERE schemaname = current_schema() AND relname IN ('entries', 'tiles', 'entry_digests', 'entry_signers', 'entry_tokens') AND seq_tup_read > 0",
        );
      const counted = () =>
        sql(
          "SELECT n_tup_ins FROM pg_stat_user_tables WHERE schemaname = current_schema() AND relname = 'entries'",
        );
      await expect.poll(counted).toBe("20");
      expect(walked()).toBe("");
    });

    it("refuses to change or remove what is written once, whoever asks", async () => {
      const store = await openStore(location, NOW);
      await store.append(0, oneEntry(0));
      await store.append(1, { ...oneEntry(1), attachments: [{ digest: sha256Of("x"), bytes: leaf }] });
      await store.addCheckpoint({ size: 2, cosignedAt: 1, note: "note" });
      const zeros = "decode(repeat('00', 32), 'hex')";
      const forbidden = [
        "UPDATE entries SET name = 'x'",
        "DELETE FROM entries",
        "TRUNCATE entries",
        `INSERT INTO entries VALUES (7, '\\x00', ${zeros}, 'platform', 'gap', '1')`,
        `UPDATE tiles SET hashes = ${zeros} || ${zeros}`,
        "UPDATE tiles SET hashes = substring(hashes FOR 32)",
        "DELETE FROM tiles",
        "TRUNCATE tiles",
        "UPDATE tree_head SET size = 1",
        "UPDATE tree_head SET epoch = 0",
        "UPDATE tree_head SET checkpoints = 0",
        `UPDATE tree_head SET root = sha256(root)`,
        "DELETE FROM tree_head",
        `INSERT INTO tree_head VALUES (2, 0, ${zeros})`,
        "UPDATE checkpoints SET note = 'x'",
        "DELETE FROM checkpoints",
        "UPDATE attachments SET bytes = '\\x00'",
        "DELETE FROM attachments",
        "DELETE FROM entry_digests",
        "DELETE FROM entry_signers",
        "UPDATE entry_tokens SET idx = 0",
      ];
      for (const statement of forbidden) expect(() => sql(statement), statement).toThrow();
      await store.close();
    });

    it("is opened for writing by a role that may do no more than append, once its schema is there", async () => {
      await prepareSchema(location);
      postgres.sql(`CREATE ROLE service LOGIN;
        GRANT USAGE ON SCHEMA ${location.schema} TO service;
        GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA ${location.schema} TO service;
        ALTER DEFAULT PRIVILEGES IN SCHEMA ${location.schema} GRANT SELECT, INSERT ON TABLES TO service;
        GRANT UPDATE ON ${location.schema}.tiles, ${location.schema}.tree_head TO service;`);
      const url = location.url.replace("user=touchstone", "user=service");
      const store = await openStore({ ...location, url }, NOW);
      await store.append(0, oneEntry(0));
      await store.addCheckpoint({ size: 1, cosignedAt: 1, note: "note" });
      expect((await store.search({ kind: "platform", before: 9, limit: 9 })).indexes).toEqual([0]);
      await store.close();
      await expect(openStore({ ...postgres.location(), url }, NOW)).rejects.toMatchObject({
        code: "schema-unknown",
        message: expect.stringMatching(/URL of the schema's owner/),
      });
    });

    it("refuses a schema that is not as its migrations made it, and says so to fsck", async () => {
      const damages: Array<[sql: string, says: RegExp]> = [
        ["DROP TRIGGER entries_only_grow ON entries", /its trigger entries_only_grow is missing/],
        ["ALTER TABLE tiles DISABLE TRIGGER tiles_grow", /its trigger tiles_grow is missing/],
        ["DROP INDEX entries_by_name", /its index entries_by_name is missing/],
        [
          "CREATE OR REPLACE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
          /its function refuse is missing or changed/,
        ],
      ];
      for (const [damage, says] of damages) {
        location = postgres.location();
        await (await openStore(location, NOW)).close();
        sql(damage);
        await expect(openStore(location, NOW)).rejects.toMatchObject({
          code: "log-damaged",
          message: expect.stringMatching(says),
        });
        const snapshot = await openSnapshot(location);
        expect((await snapshot.inspection.integrity()).join()).toMatch(says);
        await snapshot.close();
      }
    });

    it("tells fsck of a checkpoint that was removed, and of a broken index where the database has amcheck", async () => {
      const store = await openStore(location, NOW);
      for (const cosignedAt of [1, 2]) await store.addCheckpoint({ size: 1, cosignedAt, note: "note" });
      await store.close();
      postgres.sql("CREATE EXTENSION IF NOT EXISTS amcheck");
      sql(
        "ALTER TABLE checkpoints DISABLE TRIGGER USER; DELETE FROM checkpoints WHERE number = 2; ALTER TABLE checkpoints ENABLE TRIGGER USER",
      );
      const snapshot = await openSnapshot(location);
      expect(await snapshot.inspection.integrity()).toEqual([
        "2 checkpoints were published, 1 are stored, numbered from 1 to 1",
      ]);
      await snapshot.close();
    });

    describe("migrations", () => {
      let folder: string;
      beforeEach(() => {
        folder = mkdtempSync(join(tmpdir(), "touchstone-migrations-"));
        cpSync(MIGRATIONS_FOLDER, folder, { recursive: true });
      });
      afterEach(() => rmSync(folder, { recursive: true }));
      const next = () =>
        String(Number(sql("SELECT max(version) FROM schema_migrations")) + 1).padStart(4, "0");
      const add = (text: string) => writeFileSync(join(folder, `${next()}_more.sql`), text);

      it("run once, also where two processes open a schema at the same time", async () => {
        await Promise.all([prepareSchema(location), prepareSchema(location), prepareSchema(location)]);
        const first = sql("SELECT version, name FROM schema_migrations ORDER BY version LIMIT 2");
        expect(first).toBe("1|log\n2|entries_by_name");
        add("CREATE TABLE more (x integer);");
        await prepareSchema(location, folder);
        expect(sql("SELECT count(*) FROM more")).toBe("0");
        await expect(prepareSchema(location)).rejects.toMatchObject({ code: "schema-unknown" });
        await expect(openSnapshot(location)).rejects.toMatchObject({ code: "schema-unknown" });
      });

      it("leave nothing behind when one fails, and refuse a file that changed", async () => {
        await prepareSchema(location);
        const newest = sql("SELECT max(version) FROM schema_migrations");
        add("CREATE TABLE more (x integer); INSERT INTO nowhere VALUES (1);");
        await expect(prepareSchema(location, folder)).rejects.toThrow(/nowhere/);
        expect(sql("SELECT to_regclass('more') IS NULL, max(version) FROM schema_migrations")).toBe(
          `t|${newest}`,
        );
        writeFileSync(join(folder, "0001_log.sql"), "SELECT 1;");
        await expect(prepareSchema(location, folder)).rejects.toMatchObject({ code: "schema-unknown" });
      });

      it("of a newer program run while this one serves, which goes on", async () => {
        const cluster = await PostgresCluster.open(location);
        const writer = await cluster.leadership.campaign(me, never());
        await writer.append(0, oneEntry(0));
        add("ALTER TABLE tree_head ADD COLUMN more integer; CREATE TABLE more (x integer);");
        await prepareSchema(location, folder);
        await writer.append(1, oneEntry(1));
        await writer.addCheckpoint({ size: 2, cosignedAt: 1, note: "note" });
        expect((await cluster.reader.search({ kind: "platform", before: 9, limit: 9 })).indexes).toEqual([
          1, 0,
        ]);
        expect((await cluster.reader.head()).size).toBe(2);
        await writer.close();
        await cluster.close();
      });

      it("are those that a program began with, though its files are a newer one's by the time it leads", async () => {
        const cluster = await PostgresCluster.open(location, undefined, folder);
        add("ALTER TABLE tree_head ADD COLUMN more integer");
        await prepareSchema(location, folder);
        await expect(cluster.leadership.campaign(me, never())).rejects.toMatchObject({
          code: "schema-unknown",
        });
        await cluster.close();
      });

      it("must have run before a reader opens", async () => {
        await expect(openSnapshot(location)).rejects.toMatchObject({ code: "schema-unknown" });
      });
    });

    it("does not say what is in force at a size that it does not have, as one of several replicas may not yet", async () => {
      const store = await openStore(location, NOW);
      await store.append(0, oneEntry(0, { kind: "trust-root" }));
      expect(await store.entriesInForce(1)).toEqual([0]);
      expect(await store.entriesInForce(2)).toEqual([]);
      await store.append(1, oneEntry(1, { kind: "revocation" }));
      expect(await store.entriesInForce(2)).toEqual([0, 1]);
      await store.close();
    });

    it("does not tell again and again of a checkpoint that came after one with a later time", async () => {
      const store = await openStore(postgres.location(), NOW);
      const signal = AbortSignal.timeout(60_000);
      // From here on it listens.
      await store.changed({ size: 0, cosignedAt: null }, 100, signal);
      await store.append(0, oneEntry(0));
      await store.addCheckpoint({ size: 1, cosignedAt: 200, note: "of a clock that is ahead" });
      await store.addCheckpoint({ size: 1, cosignedAt: 190, note: "of one that is not" });
      const wait = async () => {
        const told = store.changed({ size: 1, cosignedAt: 190 }, 60_000, signal).then(() => "told");
        return Promise.race([told, sleep(300, "waits")]);
      };
      // Each of the three notices may be told once, when it comes, for which there is time.
      const told: string[] = [];
      while (told.length < 8 && told.at(-1) !== "waits") {
        told.push(await wait());
        await sleep(100);
      }
      expect(told.at(-1)).toBe("waits");
      await store.close();
    });

    it("is refused behind a connection pooler, which gives sessions to others", async () => {
      const proxy = await PostgresProxy.start(postgres, { asPooler: true });
      await expect(openStore({ ...location, url: proxy.url }, NOW)).rejects.toMatchObject({
        code: "storage-unsafe",
        message: expect.stringMatching(/connection pooler/),
      });
      proxy.close();
    });

    it("is refused where replication is required and the server names no synchronous standby", async () => {
      await expect(openStore({ ...location, replication: "required" }, NOW)).rejects.toMatchObject({
        code: "storage-unsafe",
        message: expect.stringMatching(/synchronous_standby_names/),
      });
    });

    it("is refused where the server does not sync", async () => {
      const unsafe = TestPostgres.start("fsync = off");
      await expect(openStore(unsafe.location(), NOW)).rejects.toMatchObject({
        code: "storage-unsafe",
        message: expect.stringMatching(/fsync off/),
      });
      unsafe.remove();
    });

    it("never shows the password of its URL", async () => {
      const urls = ["postgres://ann:hidden-word@localhost:1/x", "postgres://ann:hidden-word@", "hidden-word"];
      for (const url of urls) {
        const error = await openStore({ ...location, url }, NOW).catch((thrown: unknown) => thrown);
        expect(error).toBeInstanceOf(Error);
        const { message, stack } = error as Error;
        expect(JSON.stringify([message, stack, Object.entries(error as Error)])).not.toContain("hidden-word");
      }
    });

    it("tells of a checkpoint that came while the one before it, of the same second, was read", async () => {
      const cluster = await PostgresCluster.open(location);
      const writer = await cluster.leadership.campaign(me, never());
      const told = cluster.reader.changed({ size: 0, cosignedAt: null }, 60_000, never());
      await writer.append(0, oneEntry(0));
      await writer.addCheckpoint({ size: 1, cosignedAt: 5, note: "one" });
      await told;
      await cluster.reader.changed({ size: 1, cosignedAt: null }, 60_000, never());
      await writer.append(1, oneEntry(1));
      await writer.addCheckpoint({ size: 2, cosignedAt: 5, note: "two" });
      // Long enough for the notice to come before anybody waits for it; one that comes later wakes who does.
      await sleep(500);
      await cluster.reader.changed({ size: 2, cosignedAt: 5 }, 60_000, never());
      await writer.close();
      await cluster.close();
    });

    it("is read again after its server was restarted", async () => {
      const cluster = await PostgresCluster.open(location);
      const writer = await cluster.leadership.campaign(me, never());
      await writer.append(0, oneEntry(0));
      const told = cluster.reader.changed({ size: 1, cosignedAt: null }, 60_000, never());
      postgres.stop("fast");
      postgres.startServer();
      expect((await cluster.reader.head()).size).toBe(1);
      const next = await cluster.leadership.campaign(me, never());
      await next.append(1, oneEntry(1));
      await told;
      expect(writer.lost.aborted).toBe(true);
      await next.close();
      await cluster.close();
    });
  },
);

it("a log's schema is called after its origin", () => {
  expect(schemaOf("log.example.com/production")).toBe("log_log_example_com_production");
  expect(isSchemaName(schemaOf("Ünïcode/é"))).toBe(true);
  expect(isSchemaName(schemaOf("x".repeat(300)))).toBe(true);
  for (const name of ["", "pg_catalog", "information_schema", "a-b", "1a", 'a"b', "a b", "A"])
    expect(isSchemaName(name), name).toBe(false);
});
