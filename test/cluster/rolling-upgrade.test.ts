// What a cluster does while its processes are brought up to a newer program one after the other: that one's migration runs while they serve.
import { cpSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { packagePath } from "../../src/node/package-root.ts";
import { installProgram } from "../support/installed-program.ts";
import { whyNoPostgres } from "../support/postgres.ts";
import { ClusterWorld, PATIENT } from "./cluster-world.ts";

const KNOWN = readdirSync(packagePath("migrations", "postgres")).length;
const NEXT = `${String(KNOWN + 1).padStart(4, "0")}_more.sql`;

/** The program with one more migration, as the next one may have it. */
async function installNewer(folder: string): Promise<string> {
  const main = await installProgram(folder);
  rmSync(join(folder, "migrations"));
  cpSync(packagePath("migrations"), join(folder, "migrations"), { recursive: true });
  const sql = "CREATE TABLE more (x bigint PRIMARY KEY); ALTER TABLE tree_head ADD COLUMN more text;";
  writeFileSync(join(folder, "migrations", "postgres", NEXT), sql);
  return main;
}

describe.skipIf(whyNoPostgres !== undefined)(
  `a rolling upgrade${whyNoPostgres === undefined ? "" : ` (skipped: ${whyNoPostgres})`}`,
  { timeout: 180_000 },
  () => {
    let folder: string;
    let newer: string;
    let world: ClusterWorld;

    beforeAll(async () => {
      folder = mkdtempSync(join(tmpdir(), "touchstone-program-"));
      world = await ClusterWorld.found(await installProgram(join(folder, "program")));
      newer = await installNewer(join(folder, "newer"));
    }, 180_000);
    afterAll(async () => {
      await world.remove();
      rmSync(folder, { recursive: true });
    });

    const publishAtAll = async () => {
      for (const node of world.nodes.values()) await world.publishUntilTaken(node);
    };
    const audit = async () => {
      for (const { url } of world.nodes.values()) await world.observer.audit(url);
    };

    it("goes on with the processes of before, of which none leads any more once the newer one does, and loses nothing", async () => {
      for (const id of ["a", "b"]) await world.start(id);
      await publishAtAll();
      await world.start("c", { program: newer });
      expect(await world.leader()).not.toBe("c");
      await publishAtAll();
      await audit();

      await world.end(await world.leader(), "SIGTERM");
      await publishAtAll();
      expect(await world.leader()).toBe("c");
      const before = await world.follower();
      expect([await before.ready(), (await before.get("/v1/status")).status]).toEqual(["200 null", 200]);
      await audit();

      await world.end("c", "SIGKILL");
      await expect.poll(() => before.ready(), PATIENT).toBe("503 log-stopped");
      expect(before.said).toContain(`this program knows ${KNOWN}`);
      expect((await before.get("/v1/status")).status).toBe(200);
      await audit();
      await expect(world.start("d")).rejects.toThrow(`this program knows ${KNOWN}`);

      await world.start("c", { program: newer });
      await publishAtAll();
      await audit();
    });
  },
);
