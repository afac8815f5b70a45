// The drills of docs/cluster.md and of the README's log on several machines, run word by word with the real program, a PostgreSQL and a
// bucket.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { readProject } from "../support/example-build.ts";
import { FAKE_S3, type FakeS3, startFakeS3 } from "../support/fake-s3.ts";
import { freePort } from "../support/free-port.ts";
import { TestPostgres, whyNoPostgres } from "../support/postgres.ts";
import { drillsOf, installCommands, Practice } from "./practice.ts";

const PAGE = readProject("docs/cluster.md");
const drills = drillsOf(PAGE);
const readme = drillsOf(readProject("README.md"));
/** `openssl req -CA` came with version 3. */
const { stdout: openssl } = spawnSync("openssl", ["version"], { encoding: "utf8" });
const whyNoOpenssl = /^OpenSSL [3-9]/.test(openssl ?? "") ? undefined : "OpenSSL 3 is not installed";
const ENDING = "trap 'kill $(jobs -p) && wait' EXIT";

describe.skipIf(whyNoPostgres !== undefined)(
  `the drills of a cluster${whyNoPostgres === undefined ? "" : ` (skipped: ${whyNoPostgres})`}`,
  { timeout: 180_000 },
  () => {
    let program: string;
    let postgres: TestPostgres;
    let s3: FakeS3;
    let practice: Practice;

    beforeAll(async () => {
      program = mkdtempSync(join(tmpdir(), "touchstone-program-"));
      await installCommands(program);
    }, 180_000);
    afterAll(() => rmSync(program, { recursive: true, force: true }));

    beforeEach(async () => {
      postgres = TestPostgres.start();
      s3 = await startFakeS3();
      practice = await Practice.make(program, undefined, {
        DATABASE_URL: postgres.url,
        S3: s3.endpoint,
        S3_ACCESS: FAKE_S3.accessKey,
        S3_SECRET: FAKE_S3.secretKey,
        PORTS: [await freePort(), await freePort(), await freePort()].join(" "),
      });
    }, 60_000);
    afterEach(async () => {
      await practice.remove();
      await s3.close();
      postgres.remove();
    });

    async function good(...blocks: readonly string[]): Promise<string> {
      const { code, output } = await practice.run(...blocks);
      expect(code, output).toBe(0);
      return output;
    }
    const drill = (name: string) => drills.get(name) ?? [];

    it("a log is founded, looked at, and served by a role that may do no more than append", async () => {
      await good(...drill("found"));
      const sql = /^```sql\n([\s\S]*?)^```$/m.exec(PAGE)?.[1] ?? "";
      postgres.sql(sql);
      await good("systemctl stop touchstone");
      const service = postgres.url.replace("user=touchstone", "user=touchstone_service");
      await good(`DATABASE_URL="${service}" systemctl start touchstone`);
      expect(await good(...drill("look"))).toMatch(/^ok +leader .*leads in epoch/m);
      await good('touchstone audit "$LOG" --trust log/trust-root.json');
    });

    it("a log in a file moves into the database, and is served from there", async () => {
      await good("touchstone init log --origin log.example.com/production", "systemctl start touchstone");
      await good(...drill("migrate"));
      expect(await good(...drill("look"))).toContain("PostgreSQL");
      await good('touchstone audit "$LOG" --trust log/trust-root.json');
    });

    it("three processes on one machine go on when one of them is killed", async () => {
      await good(...drill("found"), "systemctl stop touchstone");
      const output = await good(ENDING, ...drill("three"));
      expect(output).toMatch(/^ok +leader /m);
      expect(
        Number(postgres.sql("SELECT size FROM log_log_example_com_production.tree_head")),
      ).toBeGreaterThan(2);
    });

    it.skipIf(whyNoOpenssl !== undefined)(
      `they show each other certificates${whyNoOpenssl === undefined ? "" : ` (skipped: ${whyNoOpenssl})`}`,
      async () => {
        await good(...drill("found"), "systemctl stop touchstone");
        const output = await good(ENDING, ...drill("three"), ...drill("tls"));
        expect(output).toMatch(
          /^ok +tls +cluster\.tls\.certificate is taken for 127\.0\.0\.1; .* 365 days$/m,
        );
      },
    );

    it("the README's log is served on a database", async () => {
      expect(await good(ENDING, ...(readme.get("readme") ?? []))).toContain("PostgreSQL");
    });

    it("are all that the page has, and every command of it is in one", () => {
      expect([...drills.keys()].sort()).toEqual(["found", "look", "migrate", "three", "tls"]);
      expect(PAGE.match(/^```sh.*$/gm)?.filter((line) => !line.includes("drill="))).toEqual([]);
    });
  },
);
