// Three processes of one log under load, of which any is killed, stopped or cut off at any moment: nothing that was acknowledged is lost, and
// no checkpoint that anybody saw is contradicted. CRASH_ROUNDS says how often (default 2; the long form is 40).
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { installProgram } from "../support/installed-program.ts";
import { whyNoPostgres } from "../support/postgres.ts";
import { PostgresProxy } from "../support/postgres-proxy.ts";
import { ClusterWorld, LEASE } from "./cluster-world.ts";

const ROUNDS = Number(process.env.CRASH_ROUNDS ?? 2);
const IDS = ["a", "b", "c"] as const;
const FAILURES = ["SIGKILL", "SIGSTOP", "cut"] as const;
const any = <T>(among: readonly T[]): T => among[Math.floor(Math.random() * among.length)]!;

describe.skipIf(whyNoPostgres !== undefined)(
  `a log of three processes${whyNoPostgres === undefined ? "" : ` (skipped: ${whyNoPostgres})`}`,
  { timeout: 120_000 + ROUNDS * 60_000 },
  () => {
    let folder: string;
    let world: ClusterWorld;
    const proxies = new Map<string, PostgresProxy>();
    let isOver = false;

    beforeAll(async () => {
      folder = mkdtempSync(join(tmpdir(), "touchstone-program-"));
      world = await ClusterWorld.found(await installProgram(join(folder, "program")));
      for (const id of IDS) proxies.set(id, await PostgresProxy.start(world.postgres));
      for (const id of IDS) await start(id);
    }, 180_000);
    afterAll(async () => {
      isOver = true;
      await world.remove();
      for (const proxy of proxies.values()) proxy.close();
      rmSync(folder, { recursive: true });
    });

    const start = (id: string) => world.start(id, { url: proxies.get(id)!.url });

    /** Publishes at any of them, one entry after the other. */
    async function client(): Promise<void> {
      while (!isOver) {
        const node = any([...world.nodes.values()]);
        if (node !== undefined) await world.observer.publish(node.url, await world.entry());
        await sleep(20);
      }
    }

    /** Lets one of them fail in one way for a while, and repairs that. */
    async function failOnce(): Promise<string> {
      const [id, failure] = [any(IDS), any(FAILURES)];
      const isLeading = (await world.leader()) === id;
      const pause = () => sleep(Math.random() * 2 * LEASE * 1000);
      const { child } = world.nodes.get(id)!;
      if (failure === "SIGKILL") {
        await world.end(id, "SIGKILL");
        await pause();
        await start(id);
      } else if (failure === "SIGSTOP") {
        child.kill("SIGSTOP");
        await pause();
        child.kill("SIGCONT");
      } else {
        proxies.get(id)!.cut();
        await pause();
        proxies.get(id)!.heal();
      }
      return `${failure} of ${isLeading ? "the leader" : "a follower"}`;
    }

    it("loses nothing and forks nothing in rounds of anything", async () => {
      const clients = Array.from({ length: 4 }, client);
      const done = new Map<string, number>();
      for (let round = 0; round < ROUNDS; round++) {
        const what = await failOnce();
        done.set(what, (done.get(what) ?? 0) + 1);
        await world.publishUntilTaken(any([...world.nodes.values()]));
      }
      isOver = true;
      await Promise.all(clients);
      for (const node of world.nodes.values()) {
        await expect.poll(() => node.ready(), { timeout: 60_000, interval: 200 }).toBe("200 null");
        await world.observer.audit(node.url);
      }
      const rounds = [...done].map(([what, count]) => `${count} × ${what}`).join(", ");
      console.log(`${rounds}: ${world.observer.acknowledged.size} entries acknowledged, 0 lost, 0 forked`);
    });
  },
);
