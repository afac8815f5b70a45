// One process at a time writes the copy of the log in the bucket: the one that leads, whoever that is, on real PostgreSQL.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { audit } from "../../src/auditor/audit.ts";
import { AuditState } from "../../src/auditor/audit-state.ts";
import { S3Store } from "../../src/node/objects/s3-store.ts";
import { FAKE_S3 } from "../support/fake-s3.ts";
import { installProgram } from "../support/installed-program.ts";
import { whyNoPostgres } from "../support/postgres.ts";
import { type ClusterNode, ClusterWorld, PATIENT } from "./cluster-world.ts";

describe.skipIf(whyNoPostgres !== undefined)(
  `the copy of a log of two processes${whyNoPostgres === undefined ? "" : ` (skipped: ${whyNoPostgres})`}`,
  { timeout: 180_000 },
  () => {
    let folder: string;
    let world: ClusterWorld;

    beforeAll(async () => {
      folder = mkdtempSync(join(tmpdir(), "touchstone-program-"));
      world = await ClusterWorld.found(await installProgram(join(folder, "program")));
    }, 180_000);
    beforeEach(async () => {
      for (const id of ["a", "b"]) if (!world.nodes.has(id)) await world.start(id, { exports: true });
    }, 180_000);
    afterAll(async () => {
      await world.remove();
      rmSync(folder, { recursive: true });
    });

    const leading = async () => world.nodes.get(await world.leader())!;
    const inBucket = (key: string) => world.s3.objects.get(key)?.body;
    /** Publishes something, and waits until the bucket shows what the process shows. */
    async function exported(node: ClusterNode): Promise<void> {
      await world.publishUntilTaken(node);
      const shown = async () => (await node.get("/checkpoint")).text();
      await expect
        .poll(async () => inBucket("checkpoint")?.toString() === (await shown()), PATIENT)
        .toBe(true);
    }
    /** What a process says of its export. */
    async function exportOf(node: ClusterNode): Promise<Record<"size" | "failures" | "damaged", number>> {
      const metrics = await (await node.get("/metrics")).text();
      const metric = (name: string) =>
        Number(new RegExp(`^touchstone_${name} (\\S+)$`, "m").exec(metrics)?.[1]);
      return {
        size: metric("export_tree_size"),
        failures: metric("export_failures_total"),
        damaged: metric("objects_damaged"),
      };
    }
    async function auditBucket(): Promise<unknown> {
      const { endpoint } = world.s3;
      const bucket = new S3Store({ ...FAKE_S3, endpoint, prefix: "", fetch, clock: () => new Date() });
      const read = async (path: string) => (await bucket.get(path))?.bytes;
      const { findings } = await audit({ read, trust: null, state: AuditState.open(null), now: new Date() });
      return findings;
    }

    /** Objects that never change, and were written more than once. */
    function writtenTwice(): string[] {
      const puts = world.s3.requests.filter((request) => /^PUT .*(?:tile|checkpoints|v1)\//.test(request));
      return puts.filter((put, i) => puts.indexOf(put) !== i);
    }

    it("is written by the one that leads alone, and by the next one when that is killed or told to stop", async () => {
      for (const signal of ["SIGKILL", "SIGTERM"] as const) {
        const [leader, follower] = [await leading(), await world.follower()];
        await exported(leader);
        expect((await exportOf(leader)).size).toBeGreaterThan(0);
        expect(await exportOf(follower)).toEqual({ size: 0, failures: 0, damaged: 0 });
        await world.end(leader.id, signal);
        await exported(follower);
        expect(await exportOf(follower)).toMatchObject({ failures: 0, damaged: 0 });
        expect([await auditBucket(), writtenTwice()]).toEqual([[], []]);
        await world.start(leader.id, { exports: true });
      }
    });
  },
);
