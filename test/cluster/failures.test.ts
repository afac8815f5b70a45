// What fails in a cluster, with the real program on a real PostgreSQL: each row of docs/cluster.md, "What happens when".
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { revocationPredicate } from "../support/document-predicates.ts";
import { installProgram } from "../support/installed-program.ts";
import { whyNoPostgres } from "../support/postgres.ts";
import { PostgresProxy } from "../support/postgres-proxy.ts";
import { signStatement } from "../support/signing.ts";
import { ClusterWorld, PATIENT } from "./cluster-world.ts";

const IDS = ["a", "b", "c"] as const;
/** What a client may be told while the log changes hands; "none" of a process that is gone. */
const WHILE_CHANGING = /^(?:503 no-leader|503 shutting-down|none)$/;

describe.skipIf(whyNoPostgres !== undefined)(
  `a log of three processes${whyNoPostgres === undefined ? "" : ` (skipped: ${whyNoPostgres})`}`,
  { timeout: 180_000 },
  () => {
    let folder: string;
    let world: ClusterWorld;
    const took: string[] = [];

    beforeAll(async () => {
      folder = mkdtempSync(join(tmpdir(), "touchstone-program-"));
      world = await ClusterWorld.found(await installProgram(join(folder, "program")));
    }, 180_000);
    beforeEach(async () => {
      for (const id of IDS) if (!world.nodes.has(id)) await world.start(id);
      await world.publishUntilTaken(await world.follower());
    }, 180_000);
    afterAll(async () => {
      await world.remove();
      rmSync(folder, { recursive: true });
      for (const line of took) console.log(line);
    });

    const audit = async () => {
      for (const { url } of world.nodes.values()) await world.observer.audit(url);
    };
    const all = () => [...world.nodes.values()];

    it("takes an entry at any of them, and each has it when it is asked", async () => {
      for (const node of all()) {
        const answer = await world.observer.publish(node.url, await world.entry());
        expect(answer).toBe("201");
        const index = Math.max(...world.observer.acknowledged.keys());
        for (const reader of all())
          expect((await reader.get(`/v1/entries/${index}`)).status, `${reader.id} after ${node.id}`).toBe(
            200,
          );
      }
      await audit();
    });

    it("knows a revocation everywhere as soon as it is durable", async () => {
      const entry = await world.entry();
      const [first] = all();
      await world.observer.publish(first!.url, entry);
      const predicate = revocationPredicate({
        name: `r-${entry.payloadDigest.slice(0, 8)}`,
        digests: [entry.payloadDigest],
      });
      const revocation = await signStatement("revocation", predicate, [world.keys.revocation]);
      expect(await world.observer.publish(first!.url, revocation)).toBe("201");
      for (const node of all()) {
        const revoked = async () => JSON.stringify(await (await node.get("/v1/revocations")).json());
        await expect
          .poll(revoked, { timeout: 2_000, interval: 50 })
          .toContain(Buffer.from(revocation.payload).toString("base64"));
      }
    });

    it("goes on with the next leader when one is killed", async () => {
      const [leader, follower] = [await world.leader(), await world.follower()];
      await world.end(leader, "SIGKILL");
      const { ms, refusals } = await world.publishUntilTaken(follower);
      took.push(`killed: next 201 after ${ms} ms`);
      for (const answer of refusals) expect(answer).toMatch(WHILE_CHANGING);
      await audit();
    });

    it("goes on with the next leader when one is told to stop", async () => {
      const [leader, follower] = [await world.leader(), await world.follower()];
      const stopped = world.end(leader, "SIGTERM");
      const { ms, refusals } = await world.publishUntilTaken(follower);
      await stopped;
      took.push(`told to stop: next 201 after ${ms} ms`);
      for (const answer of refusals) expect(answer).toMatch(WHILE_CHANGING);
      await audit();
    });

    it("goes on while a leader is stopped, which follows when it wakes, and takes entries again", async () => {
      const [leader, follower] = [world.nodes.get(await world.leader())!, await world.follower()];
      leader.child.kill("SIGSTOP");
      const { ms } = await world.publishUntilTaken(follower);
      took.push(`stopped: next 201 after ${ms} ms`);
      leader.child.kill("SIGCONT");
      await expect.poll(() => leader.ready(), PATIENT).toBe("200 null");
      const { refusals } = await world.publishUntilTaken(leader);
      for (const answer of refusals) expect(answer).toMatch(WHILE_CHANGING);
      expect(await world.leader()).not.toBe(leader.id);
      expect(leader.said).not.toContain("log-stopped");
      await audit();
    });

    it("goes on while a leader is cut off, which says that it is behind, and follows when it is not any more", async () => {
      const proxy = await PostgresProxy.start(world.postgres);
      try {
        for (const id of IDS) await world.end(id, "SIGTERM");
        const cut = await world.start("a", { url: proxy.url });
        await world.publishUntilTaken(cut);
        for (const id of ["b", "c"]) await world.start(id);
        proxy.cut();
        const { ms } = await world.publishUntilTaken(world.nodes.get("b")!);
        took.push(`cut off: next 201 after ${ms} ms`);
        await expect.poll(async () => (await cut.get("/v1/status")).status, PATIENT).toBe(503);
        expect((await cut.get("/checkpoint")).status).toBe(200);
        expect(await cut.ready()).toBe("503 no-leader");
        proxy.heal();
        await expect.poll(() => cut.ready(), PATIENT).toBe("200 null");
        await expect.poll(async () => (await cut.get("/v1/status")).status, PATIENT).toBe(200);
        await audit();
        await world.end("a", "SIGKILL");
      } finally {
        proxy.close();
      }
    });

    it("goes on without a restart when the database was restarted", async () => {
      world.postgres.stop("immediate");
      await expect
        .poll(async () => Promise.all(all().map((node) => node.ready())), PATIENT)
        .toEqual(IDS.map(() => "503 no-leader"));
      await sleep(1_000);
      world.postgres.startServer();
      const { ms } = await world.publishUntilTaken(all()[0]!);
      took.push(`database restarted: next 201 after ${ms} ms`);
      for (const node of all()) await expect.poll(() => node.ready(), PATIENT).toBe("200 null");
      await audit();
    });

    it("is read, and written to, at a process that has no keys", async () => {
      const reader = await world.start("reader", { role: "read" });
      expect(await world.observer.publish(reader.url, await world.entry())).toBe("201");
      await world.observer.audit(reader.url);
      const answer = await reader.get("/checkpoint", { "touchstone-min-size": "1000000" });
      expect([answer.status, ((await answer.json()) as { code: string }).code]).toEqual([503, "behind"]);
      await world.end("reader", "SIGTERM");
    });
  },
);
