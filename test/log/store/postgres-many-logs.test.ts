// Many logs of one process in one database: they are read in the same few sessions, and none is ever read as another, whatever becomes of
// those sessions.
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { ClusterStore } from "../../../src/log/store/leadership.ts";
import type { LogWriter } from "../../../src/log/store/log-store.ts";
import { openCluster } from "../../../src/log/store/open-store.ts";
import { READING_SETTINGS, ReadingPool } from "../../../src/log/store/postgres/pool.ts";
import { STATEMENTS, statementsIn } from "../../../src/log/store/postgres/statements.ts";
import { SharedSessions } from "../../../src/log/store/shared-sessions.ts";
import type { PostgresLocation } from "../../../src/log/store/store-location.ts";
import { TestPostgres, whyNoPostgres } from "../../support/postgres.ts";
import { sha256Of } from "../../support/release-predicates.ts";
import { leaf, oneEntry } from "./entries.ts";

const LOGS = 16;
const READS = 1_200;
const me = { id: "me", address: null };
const never = () => new AbortController().signal;
const nothing = { size: 0, cosignedAt: null };

/** One log, of which every row says whose it is. */
interface OneLog {
  readonly location: PostgresLocation;
  readonly store: ClusterStore;
  readonly writer: LogWriter;
  /** What its one leaf, its only checkpoint and its only attachment say. */
  readonly words: string;
}

describe.skipIf(whyNoPostgres !== undefined)(
  `many logs of a process on PostgreSQL${whyNoPostgres === undefined ? "" : ` (skipped: ${whyNoPostgres})`}`,
  () => {
    let postgres: TestPostgres;
    const opened: OneLog[] = [];

    async function openLog(sessions: SharedSessions): Promise<OneLog> {
      const location = postgres.location();
      const store = await openCluster(location, () => new Date(), sessions);
      const writer = await store.leadership.campaign(me, never());
      const words = `the log of ${location.schema}`;
      const bytes = Buffer.from(words);
      await writer.append(0, {
        ...oneEntry(0, { leaf: bytes, name: location.schema, payloadDigest: sha256Of(words) }),
        attachments: [{ digest: sha256Of("attachment"), bytes }],
        head: { size: 1, root: Buffer.from(sha256Of(words), "hex") },
      });
      await writer.addCheckpoint({ size: 1, cosignedAt: 10, note: words });
      const log = { location, store, writer, words };
      opened.push(log);
      return log;
    }
    async function openLogs(count: number, sessions = new SharedSessions()): Promise<OneLog[]> {
      const logs: OneLog[] = [];
      while (logs.length < count) logs.push(await openLog(sessions));
      return logs;
    }
    async function close({ store, writer }: OneLog): Promise<void> {
      await writer.close();
      await store.close();
    }
    const count = (name: string) =>
      Number(
        postgres.sql(`SELECT count(*) FROM pg_stat_activity WHERE application_name = 'touchstone ${name}'`),
      );
    const readers = (): number[] =>
      postgres
        .sql("SELECT pid FROM pg_stat_activity WHERE application_name = 'touchstone reader'")
        .split("\n")
        .filter((line) => line !== "")
        .map(Number);

    beforeAll(() => {
      postgres = TestPostgres.start();
    });
    afterEach(async () => {
      await Promise.all(opened.splice(0).map(close));
      while (count("reader") + count("listener") > 0) await sleep(50);
    });
    afterAll(() => postgres.remove());

    /** Reads of every kind, by each of which one log can be told from another. */
    const READING: ReadonlyArray<(log: OneLog) => Promise<readonly [found: unknown, own: unknown]>> = [
      async ({ store, words }) => [
        Buffer.from((await store.reader.head()).root).toString("hex"),
        sha256Of(words),
      ],
      async ({ store, words }) => [
        (await store.reader.readLeaves(0, 9)).map((one) => Buffer.from(one).toString()),
        [words],
      ],
      async ({ store, words }) => [(await store.reader.newestCheckpoint())?.note, words],
      async ({ store, words }) => [
        Buffer.from((await store.reader.attachment(sha256Of("attachment"))) ?? []).toString(),
        words,
      ],
      async ({ store, words, location: { schema: name } }) => [
        (
          await store.reader.lookup({ identities: [{ kind: "platform", name, version: "1" }] })
        ).identities.map(({ digest }) => digest),
        [sha256Of(words)],
      ],
      // By a function of the schema, which names its tables without it.
      async ({ store, location: { schema: name } }) => [
        (await store.reader.search({ name, before: 9, limit: 9 })).indexes,
        [0],
      ],
      async ({ store, writer }) => [(await store.leadership.leader())?.epoch, writer.epoch],
    ];

    it("are read in eight sessions, and heard of in one", async () => {
      const logs = await openLogs(LOGS);
      await Promise.all(logs.map(({ store }) => store.reader.changed(nothing, 10, never())));
      await Promise.all(logs.flatMap((log) => READING.map((read) => read(log))));
      expect(readers().length).toBeLessThanOrEqual(8);
      expect(count("listener")).toBe(1);
      expect(count("me")).toBe(LOGS);
    });

    it("are never read as one another, while sessions are ended, statements fail and answers come too late", async () => {
      const logs = await openLogs(LOGS);
      let isOver = false;
      const failed: string[] = [];
      let right = 0;
      async function readOn(seed: number): Promise<void> {
        for (let i = 0; !isOver; i++) {
          const log = logs[(seed * 7 + i * 5) % LOGS] as OneLog;
          const read = READING[(seed + i) % READING.length] as (typeof READING)[number];
          try {
            const [found, own] = await read(log);
            expect(found).toEqual(own);
            right++;
          } catch (error) {
            if ((error as Error).name === "AssertionError") throw error;
            failed.push((error as Error).message);
          }
        }
      }
      const reading = Promise.all(Array.from({ length: 24 }, (_, seed) => readOn(seed)));

      // A statement that fails in its session, of a session whose next statement is another log's.
      for (let i = 0; i < 40; i++)
        await logs[i % LOGS]?.store.reader
          .readEntries([99])
          .catch((error: Error) => failed.push(error.message));
      for (let i = 0; i < 20; i++)
        await logs[i % LOGS]?.store.reader
          .readEntries([Number.NaN])
          .catch((error: Error) => failed.push(error.message));
      // Sessions that end in the middle.
      for (let round = 0; round < 5; round++) {
        postgres.sql(
          "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'touchstone reader'",
        );
        await sleep(100);
      }
      // Answers that come after they were given up: these servers are stopped for longer than a reader waits.
      const stopped = readers().slice(0, 3);
      for (const pid of stopped) process.kill(pid, "SIGSTOP");
      await sleep(9_000);
      for (const pid of stopped) process.kill(pid, "SIGCONT");
      const before = right;
      while (right < Math.max(READS, before + LOGS * READING.length)) await sleep(20);
      isOver = true;
      await reading;
      expect(stopped).toHaveLength(3);
      expect(failed.length).toBeGreaterThan(20);
      for (const message of failed)
        expect(message).toMatch(/missing from the store|invalid input syntax|terminat|timeout|connection/i);
      expect(readers()).not.toEqual(expect.arrayContaining(stopped));
    }, 120_000);

    it("name their schema in every statement, and are not found in a session without it", async () => {
      const [one, other] = (await openLogs(2)) as [OneLog, OneLog];
      const bare =
        /(?:FROM|JOIN|UPDATE|INTO)(?: \w+,)?\s+(?:entries|entry_\w+|tiles|tree_head|checkpoints|attachments)\b/;
      for (const { name, text } of Object.values(STATEMENTS)) expect(text, name).not.toMatch(bare);
      const names = [one, other].flatMap(({ location: { schema } }) =>
        Object.values(STATEMENTS).map((statement) => statementsIn(schema)(statement).name),
      );
      // What is about locks and sessions is the same for all logs.
      const ofNone = Object.values(STATEMENTS).filter(({ text }) => !text.includes("@"));
      expect(ofNone.map(({ name }) => name)).toEqual([
        "lock",
        "tryLock",
        "unlock",
        "candidates",
        "terminate",
      ]);
      expect(new Set(names).size).toBe(names.length - ofNone.length);
      for (const name of names) expect(Buffer.from(name).length).toBeLessThan(64);
      expect(() => statementsIn('x".y')).toThrow(RangeError);
      const pool = new ReadingPool(postgres.url);
      const forgetful = { name: "head", text: "SELECT size, root FROM tree_head" };
      await expect(pool.of(one.location.schema).ask(forgetful)).rejects.toThrow(/does not exist/);
      await pool.close();
    });

    it("are read in sessions that prepare so many statements, and plan the others anew each time", async () => {
      const logs = await openLogs(4);
      const pool = new ReadingPool(postgres.url, READING_SETTINGS, 3);
      for (let round = 0; round < 3; round++)
        for (const { location, words } of logs) {
          const [head] = await pool.of(location.schema).ask<{ root: Buffer }>(STATEMENTS.head);
          expect(head?.root.toString("hex")).toBe(sha256Of(words));
        }
      const text = "SELECT count(*) FROM pg_prepared_statements";
      const [row] = await pool.ask<{ count: number }>({ name: "prepared", text }, []);
      expect(row?.count).toBe(3);
      await pool.close();
    });

    it("are each told of what is their own", async () => {
      const [one, other] = (await openLogs(2)) as [OneLog, OneLog];
      const seen = { size: 1, cosignedAt: 10 };
      // From here on both are listened to.
      for (const { store } of [one, other]) await store.reader.changed(seen, 60_000, never());
      let isTold = false;
      const told = other.store.reader.changed(seen, 60_000, never()).then(() => {
        isTold = true;
      });
      const heard = one.store.reader.changed(seen, 60_000, never());
      await one.writer.append(1, oneEntry(1, { leaf }));
      await heard;
      await sleep(200);
      expect(isTold).toBe(false);
      await other.writer.append(1, oneEntry(1, { leaf }));
      await told;
    });

    it("hear of what they missed while the listener was away", async () => {
      const logs = await openLogs(3);
      const seen = { size: 1, cosignedAt: 10 };
      for (const { store } of logs) await store.reader.changed(seen, 60_000, never());
      postgres.sql(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'touchstone listener'",
      );
      await Promise.all(logs.map(({ store }) => store.reader.changed(seen, 60_000, never())));
      const { store, writer } = logs[2] as OneLog;
      await writer.append(1, oneEntry(1, { leaf }));
      while (count("listener") === 0) await sleep(50);
      await store.reader.changed(seen, 60_000, never());
      expect((await store.reader.head()).size).toBe(2);
    });

    it("go on when one of them is closed, and leave no session behind when all are", async () => {
      const logs = await openLogs(4);
      for (const { store } of logs) await store.reader.changed(nothing, 10, never());
      const [gone, ...others] = logs as [OneLog, ...OneLog[]];
      const reading = Promise.all(others.flatMap((log) => READING.map((read) => read(log))));
      const told = others[0]?.store.reader.changed({ size: 1, cosignedAt: 10 }, 60_000, never());
      await close(gone);
      for (const [found, own] of await reading) expect(found).toEqual(own);
      await expect(gone.store.reader.head()).rejects.toThrow(/closed/);
      await others[0]?.writer.append(1, oneEntry(1, { leaf }));
      await told;
      await Promise.all(others.map(close));
      while (count("reader") + count("listener") + count("me") > 0) await sleep(50);
    });

    it("wait for one whose reads are stuck no longer than the server lets a read take", async () => {
      const [stuck, other] = (await openLogs(2)) as [OneLog, OneLog];
      const holder = new pg.Client(postgres.url);
      await holder.connect();
      await holder.query(`BEGIN; LOCK TABLE ${stuck.location.schema}.entries IN ACCESS EXCLUSIVE MODE`);
      const waiting = Array.from({ length: 8 }, () =>
        stuck.store.reader.readLeaves(0, 1).catch((error: Error) => error.message),
      );
      expect((await other.store.reader.head()).size).toBe(1);
      for (const message of await Promise.all(waiting)) expect(message).toMatch(/statement timeout/);
      await holder.end();
      expect(READING_SETTINGS.statement_timeout).toBe("5000ms");
    });

    it("share nothing with those of other sessions", async () => {
      const [one] = (await openLogs(1)) as [OneLog];
      const [other] = (await openLogs(1, new SharedSessions())) as [OneLog];
      for (const { store } of [one, other]) await store.reader.changed(nothing, 10, never());
      while (count("listener") < 2) await sleep(20);
      await close(one);
      expect((await other.store.reader.head()).size).toBe(1);
    });
  },
);
