import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { programOfBlock } from "../support/installed-program.ts";
import { type TestPostgres, whyNoPostgres } from "../support/postgres.ts";
import { PostgresProxy } from "../support/postgres-proxy.ts";
import { ClusterWorld, PATIENT } from "./cluster-world.ts";

const IDS = ["a", "b"] as const;

describe.skipIf(whyNoPostgres !== undefined)(
  `a log of two processes${whyNoPostgres === undefined ? "" : ` (skipped: ${whyNoPostgres})`}`,
  { timeout: 180_000 },
  () => {
    const program = programOfBlock();
    let world: ClusterWorld;
    /** The name of the database's server: what it leads to is changed by who fails over. */
    let name: PostgresProxy;
    const left: TestPostgres[] = [];

    beforeEach(async () => {
      world = await ClusterWorld.found(program());
      name = await PostgresProxy.start(world.postgres);
      for (const id of IDS) await world.start(id, { url: name.url });
      await world.publishUntilTaken(await world.follower());
    }, 180_000);
    afterEach(async () => {
      await world.remove();
      name.close();
      for (const postgres of left.splice(0)) postgres.remove();
    }, 60_000);

    const all = () => [...world.nodes.values()];
    const waitFor = (names: string) => {
      world.postgres.configure(`synchronous_standby_names = '${names}'`);
      world.postgres.reload();
    };
    const streaming = (standby: string) => () =>
      world.postgres.sql(`SELECT state FROM pg_stat_replication WHERE application_name = '${standby}'`);
    const publishAtAll = async () => {
      for (const node of all()) await world.publishUntilTaken(node);
    };
    const sizes = () =>
      Promise.all(
        all().map(async (node) => Number((await (await node.get("/checkpoint")).text()).split("\n")[1])),
      );
    /** What each of them shows, once all show the same. */
    const settled = async () => {
      await expect.poll(async () => new Set(await sizes()).size, PATIENT).toBe(1);
      return sizes();
    };

    function failOverTo(standby: TestPostgres): void {
      standby.promote();
      left.push(world.postgres);
      world.postgres = standby;
      name.pointTo(standby);
    }

    it("goes on with everything that was acknowledged on a standby that is promoted, where commits waited for it", async () => {
      const standby = world.postgres.startStandby("second");
      await expect.poll(streaming("second"), PATIENT).toBe("streaming");
      waitFor("second");
      await publishAtAll();
      const sent = await Promise.all(all().map((node) => world.entry().then((entry) => ({ node, entry }))));
      const underway = sent.map(({ node, entry }) => world.observer.publish(node.url, entry));
      world.postgres.stop("immediate");
      failOverTo(standby);
      await Promise.all(underway);
      await publishAtAll();
      for (const { url } of all()) await world.observer.audit(url);
    });

    it("has no leader on a standby that lacks what was acknowledged, until that is recovered from a mirror", async () => {
      const standby = world.postgres.startStandby("late");
      await expect.poll(streaming("late"), PATIENT).toBe("streaming");
      standby.configure("primary_conninfo = ''");
      standby.reload();
      await expect.poll(streaming("late"), PATIENT).toBe("");
      await publishAtAll();
      const mirror = join(world.folder, "mirror");
      expect(await world.run("a", "export", mirror)).toMatchObject({ code: 0 });
      const shown = await settled();
      world.postgres.stop("immediate");
      failOverTo(standby);
      for (const node of all()) await expect.poll(() => node.ready(), PATIENT).toBe("503 log-stopped");
      expect(await world.observer.publish(all()[0]!.url, await world.entry())).toMatch(/^503 /);
      expect(await sizes()).toEqual(shown);
      for (const id of IDS) await world.end(id, "SIGTERM");
      const doctor = await world.run("a", "doctor");
      expect([doctor.code, doctor.said]).toEqual([1, expect.stringContaining("touchstone recover")]);
      const recovered = await world.run("a", "recover", "--from", mirror);
      expect([recovered.code, recovered.said]).toEqual([0, expect.stringMatching(/[1-9]\d* entries added/)]);
      for (const id of IDS) await world.start(id, { url: name.url });
      await publishAtAll();
      for (const { url } of all()) await world.observer.audit(url);
    });

    it("acknowledges and signs nothing while every standby that commits wait for is gone, though waits are cancelled", async () => {
      waitFor("nobody");
      const shown = await settled();
      const answers: string[] = [];
      const sending = all().map(async ({ url }) =>
        answers.push(await world.observer.publish(url, await world.entry())),
      );
      const cancelled = () =>
        world.postgres.sql(
          "SELECT count(pg_cancel_backend(pid)) FROM pg_stat_activity WHERE wait_event = 'SyncRep'",
        );
      for (let i = 0; i < 3; i++) {
        await expect.poll(cancelled, PATIENT).not.toBe("0");
        await sleep(200);
      }
      for (const answer of answers) expect(answer).toMatch(/^503 /);
      expect(await sizes()).toEqual(shown);
      waitFor("");
      await Promise.all(sending);
      await publishAtAll();
      for (const { url } of all()) await world.observer.audit(url);
    });

    it("shows nothing as current where it reads from a replica whose replay is paused, and all of it once that goes on", async () => {
      const replica = world.postgres.startStandby("replica");
      left.push(replica);
      const reader = await world.start("reader", { readerUrl: replica.url, role: "read" });
      const status = async () => (await reader.get("/v1/status")).status;
      await expect.poll(status, PATIENT).toBe(200);
      replica.sql("SELECT pg_wal_replay_pause()");
      await world.publishUntilTaken(world.nodes.get("a")!);
      await expect.poll(status, PATIENT).toBe(503);
      const [newer] = (await sizes()).sort((one, other) => other - one);
      const missed = await reader.get("/checkpoint", { "touchstone-min-size": `${newer}` });
      expect([missed.status, await missed.json()]).toEqual([
        503,
        expect.objectContaining({ code: "behind" }),
      ]);
      // What carries its own proof goes on, and so does the log.
      expect((await reader.get("/checkpoint")).status).toBe(200);
      await world.publishUntilTaken(reader);
      expect(await status()).toBe(503);
      replica.sql("SELECT pg_wal_replay_resume()");
      await expect.poll(status, PATIENT).toBe(200);
      await world.observer.audit(reader.url);
    });

    it("shows nothing new while the bucket with its mark does not answer, and all of it afterwards", async () => {
      const shown = await settled();
      const asked = world.s3.raw.length;
      world.s3.faults = { unavailable: 1_000_000 };
      const entry = await world.entry();
      const sending = world.observer.publish(all()[0]!.url, entry);
      await expect.poll(() => world.s3.raw.length, PATIENT).toBeGreaterThan(asked);
      await sleep(1_000);
      expect(await sizes()).toEqual(shown);
      expect(world.observer.acknowledged.size).toBe(1);
      world.s3.faults = {};
      await sending;
      await publishAtAll();
      for (const { url } of all()) await world.observer.audit(url);
    });

    it("is signed by one process alone where two servers hold the log, since somebody promoted one and left the other", async () => {
      const standby = world.postgres.startStandby("second");
      await expect.poll(streaming("second"), PATIENT).toBe("streaming");
      for (const id of IDS) await world.end(id, "SIGTERM");
      standby.promote();
      left.push(standby);
      await world.start("a", { url: world.postgres.url });
      await world.start("b", { url: standby.url });
      const states = () => Promise.all(all().map((node) => node.ready()));
      // Of two databases that both take entries one is left behind, with what it had and nobody had signed.
      while (!(await states()).includes("503 log-stopped"))
        await Promise.all(
          all().map(async ({ url }) => world.observer.publish(url, await world.entry(), 201)),
        );
      // The one that is left may be between two looks at its store.
      await expect
        .poll(async () => (await states()).sort(), PATIENT)
        .toEqual(["200 null", "503 log-stopped"]);
      const nodes = await Promise.all(all().map(async (node) => ({ node, state: await node.ready() })));
      const [winner] = nodes.sort((one, other) => one.state.localeCompare(other.state));
      await world.publishUntilTaken(winner!.node);
      await world.observer.audit(winner!.node.url);
    });
  },
);
