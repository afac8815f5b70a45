// Nothing is acknowledged that a failover would lose: with a standby that follows, with one that is gone, and when an administrator or the
// end of a session makes a commit look replicated.
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { examineServer, openStore } from "../../../src/log/store/open-store.ts";
import { PostgresCluster } from "../../../src/log/store/postgres/postgres-cluster.ts";
import { NOW } from "../../support/clock.ts";
import { TestPostgres, whyNoPostgres } from "../../support/postgres.ts";
import { oneEntry } from "./entries.ts";

const me = { id: "me", address: null };
const never = () => new AbortController().signal;

describe.skipIf(whyNoPostgres !== undefined)(
  `replication of a log on PostgreSQL${whyNoPostgres === undefined ? "" : ` (skipped: ${whyNoPostgres})`}`,
  () => {
    let postgres: TestPostgres;
    const standbys = (names: string) => {
      postgres.configure(`synchronous_standby_names = '${names}'`);
      postgres.reload();
    };
    const atBackend = (call: string) =>
      postgres.sql(`SELECT ${call}(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'`);
    const waitsForStandby = async () => {
      const waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'";
      while (postgres.sql(waiting) === "0") await sleep(20);
    };

    beforeAll(() => {
      postgres = TestPostgres.start("synchronous_standby_names = ''");
    });
    afterAll(() => postgres.remove());

    it("a standby that commits wait for is seen by its name, and gone once it is stopped", async () => {
      const location = postgres.location({ lease: 60 });
      const cluster = await PostgresCluster.open(location);
      const writer = await cluster.leadership.campaign({ id: "a", address: "http://a" }, never());
      const standby = postgres.startStandby("b");
      standbys("b");
      const seen = async (state: string) => {
        for (;;) {
          const server = await examineServer(location);
          if (server?.standbys?.map(({ name, sync }) => `${name} ${sync}`).join() === state) return server;
          await sleep(50);
        }
      };
      expect(await seen("b sync")).toMatchObject({
        unsafe: [],
        isStandby: false,
        waitsFor: "b",
        epoch: 1,
        leader: { id: "a", address: "http://a", epoch: 1 },
        standbys: [{ state: "streaming", bytesBehind: expect.any(Number) }],
      });
      const follower = await examineServer({ ...location, url: standby.url });
      expect(follower).toMatchObject({ isStandby: true, leader: { id: "a" }, standbys: [] });
      standby.remove();
      expect(await seen("")).toMatchObject({ waitsFor: "b", standbys: [] });
      standbys("");
      await writer.close();
      expect(await examineServer(location)).toMatchObject({ epoch: 1, leader: null });
      await cluster.close();
    });

    it("a commit whose wait was cancelled is not acknowledged before one that was replicated", async () => {
      const cluster = await PostgresCluster.open(postgres.location({ lease: 60 }));
      const writer = await cluster.leadership.campaign(me, never());
      standbys("nobody");
      let isAcknowledged = false;
      const append = writer.append(0, oneEntry(0)).then(() => {
        isAcknowledged = true;
      });
      for (let i = 0; i < 3; i++) {
        await waitsForStandby();
        atBackend("pg_cancel_backend");
        // It is committed here and visible, and still nobody is told.
        while ((await cluster.reader.head()).size === 0) await sleep(20);
        expect(isAcknowledged).toBe(false);
      }
      standbys("");
      await append;
      await writer.close();
      await cluster.close();
    });

    it("an append whose session ended while it waited is acknowledged once it is replicated", async () => {
      const cluster = await PostgresCluster.open(postgres.location({ lease: 60 }));
      const writer = await cluster.leadership.campaign(me, never());
      standbys("nobody");
      const append = writer.append(0, oneEntry(0));
      await waitsForStandby();
      atBackend("pg_terminate_backend");
      await waitsForStandby();
      standbys("");
      await append;
      expect(writer.lost.aborted).toBe(true);
      expect((await cluster.reader.head()).size).toBe(1);
      await writer.close();
      await cluster.close();
    });

    it("whoever takes over waits until what he found is replicated", async () => {
      const location = postgres.location({ lease: 60 });
      const cluster = await PostgresCluster.open(location);
      const writer = await cluster.leadership.campaign(me, never());
      standbys("nobody");
      const append = writer.append(0, oneEntry(0));
      append.catch(() => undefined);
      await waitsForStandby();
      let isLeading = false;
      const next = cluster.leadership.campaign({ id: "next", address: null }, never()).then((won) => {
        isLeading = true;
        return won;
      });
      atBackend("pg_terminate_backend");
      await sleep(500);
      expect(isLeading).toBe(false);
      standbys("");
      const won = await next;
      expect((await cluster.reader.head()).size).toBe(1);
      await append;
      await won.close();
      await Promise.all([writer.close(), cluster.close()]);
    });

    it("what was acknowledged is on the standby that is promoted", async () => {
      const standby = postgres.startStandby("follower");
      standbys("follower");
      const location = postgres.location({ replication: "required" });
      const store = await openStore(location, NOW);
      for (let i = 0; i < 20; i++) await store.append(i, oneEntry(i));
      const replica = { ...location, url: standby.url };
      await expect(openStore(replica, NOW)).rejects.toThrow(/standby/);
      const reader = await PostgresCluster.open({ ...location, readerUrl: standby.url });
      while ((await reader.reader.head()).size < 20) await sleep(20);
      const changed = reader.reader.changed({ size: 20, cosignedAt: null }, 60_000, never());
      await store.append(20, oneEntry(20));
      await changed;
      await reader.close();
      postgres.stop("immediate");
      standby.promote();
      standby.configure("synchronous_standby_names = ''");
      standby.reload();
      const promoted = await openStore({ ...replica, replication: "warn" }, NOW);
      expect((await promoted.head()).size).toBe(21);
      await promoted.append(21, oneEntry(21));
      await promoted.close();
      await store.close();
      standby.remove();
    });
  },
);
