// What a cluster does while its processes are brought up to a newer program one after the other: that one's migration runs while they serve.
import { cpSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { openStore } from "../../src/log/store/open-store.ts";
import { packagePath } from "../../src/node/package-root.ts";
import { installProgram } from "../support/installed-program.ts";
import { whyNoPostgres } from "../support/postgres.ts";
import { ProgramBefore } from "../support/program-before.ts";
import { ClusterWorld, PATIENT } from "./cluster-world.ts";

const KNOWN = readdirSync(packagePath("migrations", "postgres")).length;
const NEXT = `${String(KNOWN + 1).padStart(4, "0")}_more.sql`;

const programBefore = new ProgramBefore("postgres");

interface Programs {
  readonly before: string;
  readonly after: string;
  /** How that of before opens a store. */
  readonly open?: typeof openStore;
}

/** This one, and one with one more migration, as the next one may have it. */
async function toTheNext(folder: string): Promise<Programs> {
  const before = await installProgram(join(folder, "before"));
  const after = await installProgram(join(folder, "after"));
  rmSync(join(folder, "after", "migrations"));
  cpSync(packagePath("migrations"), join(folder, "after", "migrations"), { recursive: true });
  const sql = "CREATE TABLE more (x bigint PRIMARY KEY); ALTER TABLE tree_head ADD COLUMN more text;";
  writeFileSync(join(folder, "after", "migrations", "postgres", NEXT), sql);
  return { before, after };
}

/** The one of before the newest migration, and this one. */
async function fromTheOneBefore(folder: string): Promise<Programs> {
  const at = programBefore.checkOut(join(folder, "before"));
  const { openStore: open } = await import(at("src/log/store/open-store.ts"));
  return { before: at("src/cli/main.ts"), after: await installProgram(join(folder, "after")), open };
}

const CASES = [
  { name: "to a program with one more migration", install: toTheNext, knows: KNOWN, why: whyNoPostgres },
  {
    name: "from the program before the newest migration",
    install: fromTheOneBefore,
    knows: KNOWN - 1,
    why: whyNoPostgres ?? programBefore.whyNot("src/cli/serve-cluster.ts"),
  },
];

for (const { name, install, knows, why } of CASES)
  describe.skipIf(why !== undefined)(
    `a rolling upgrade ${name}${why === undefined ? "" : ` (skipped: ${why})`}`,
    { timeout: 180_000 },
    () => {
      let folder: string;
      let programs: Programs;
      let world: ClusterWorld;

      beforeAll(async () => {
        folder = mkdtempSync(join(tmpdir(), "touchstone-program-"));
        programs = await install(folder);
        world = await ClusterWorld.found(programs.before, programs.open);
      }, 180_000);
      afterAll(async () => {
        await world?.remove();
        programBefore.remove(join(folder, "before"));
        rmSync(folder, { recursive: true, force: true });
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
        await world.start("c", { program: programs.after });
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
        expect(before.said).toContain(`this program knows ${knows}`);
        expect((await before.get("/v1/status")).status).toBe(200);
        await audit();
        await expect(world.start("d")).rejects.toThrow(`this program knows ${knows}`);

        await world.start("c", { program: programs.after });
        await publishAtAll();
        await audit();
      });
    },
  );
