// A log in a PostgreSQL database, by the commands of its operator: founded, served, served again, checked, exported and backed up.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { pino } from "pino";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { EXIT } from "../../src/cli/context.ts";
import { serveLog } from "../../src/cli/serve-log.ts";
import type { RunningServer } from "../../src/http/server.ts";
import { TestPostgres, whyNoPostgres } from "../support/postgres.ts";
import { type CliRun, runCli } from "../support/run-cli.ts";

const EXAMPLES = fileURLToPath(new URL("../../examples/release/", import.meta.url));

describe.skipIf(whyNoPostgres !== undefined)(
  `the commands of a log on PostgreSQL${whyNoPostgres === undefined ? "" : ` (skipped: ${whyNoPostgres})`}`,
  () => {
    let folder: string;
    let postgres: TestPostgres;
    let server: RunningServer;
    const at = (...path: string[]) => join(folder, ...path);
    const config = () => at("log", "touchstone.toml");
    const outside = () => ({
      now: () => new Date(),
      fetch: globalThis.fetch,
      environment: { DATABASE_URL: postgres.url },
    });
    const run = (...args: string[]): Promise<CliRun> => runCli(args, outside());
    async function json<T = Record<string, unknown>>(...args: string[]): Promise<T> {
      const ran = await run(...args, "--json");
      expect(ran.exitCode, `${args.join(" ")}: ${ran.warnings} ${ran.output}`).toBe(EXIT.good);
      return ran.json<T>();
    }
    const serve = () =>
      serveLog(config(), 0, pino({ level: "silent" }), {
        ...outside(),
        print: () => undefined,
        warn: () => undefined,
        interactive: false,
        confirm: async () => true,
      });
    async function publish(name: string): Promise<void> {
      const file = at(`${name}.dsse.json`);
      const example = join(EXAMPLES, `example-${name}.json`);
      await json("sign", example, "--key", at("log", "keys", "publisher.pem"), "-o", file);
      await json("publish", file, "--to", server.address, "--trust", at("log", "trust-root.json"));
    }

    beforeAll(async () => {
      folder = mkdtempSync(join(tmpdir(), "touchstone-cli-"));
      postgres = TestPostgres.start();
      const { warnings, exitCode } = await run(
        "init",
        at("log"),
        "--origin",
        "pg.example/log",
        "--postgres",
        "env:DATABASE_URL",
      );
      expect(exitCode, warnings).toBe(EXIT.good);
      expect(warnings).toContain("names no synchronous standby");
      server = await serve();
    });
    afterAll(async () => {
      await server.stop();
      postgres.remove();
      rmSync(folder, { recursive: true });
    });

    it("init writes where the database is, and nothing of its URL", () => {
      const written = readFileSync(config(), "utf8");
      expect(written).toContain('postgres = "env:DATABASE_URL"');
      expect(written).toContain('schema = "log_pg_example_log"');
      expect(written).toContain('replication = "warn"');
      expect(written).not.toContain("postgres:///");
    });

    it("a log is served, and served again by the next process with everything in it", async () => {
      await publish("kernel");
      await server.stop();
      server = await serve();
      await publish("gsp");
      const size = Number(postgres.sql("SELECT size FROM tree_head", "log_pg_example_log"));
      const audit = await json<{ size: number }>(
        "audit",
        server.address,
        "--trust",
        at("log", "trust-root.json"),
      );
      expect(audit.size).toBe(size);
      expect(Number(postgres.sql("SELECT epoch FROM tree_head", "log_pg_example_log"))).toBe(3);
    });

    it("a second service of the same log is refused", async () => {
      await expect(serve()).rejects.toMatchObject({ code: "log-in-use" });
    });

    it("doctor says who leads it, what is stored, and what a failover would lose", async () => {
      interface Report {
        readonly findings: ReadonlyArray<{ check: string; level: string; detail: string }>;
      }
      const { findings, ...counts } = await json<Report>("doctor", "--config", config());
      const of = (check: string) => findings.filter((finding) => finding.check === check);
      const size = Number(postgres.sql("SELECT size FROM tree_head", "log_pg_example_log"));
      expect(counts).toEqual({ sound: true, faults: 0, warnings: 1 });
      expect(of("store")[0]?.detail).toContain(
        `schema log_pg_example_log of the PostgreSQL database: ${size} entries`,
      );
      expect(of("leader")[0]?.detail).toMatch(/leads in epoch 3; [0-9.]+ s of its lease are left/);
      expect(of("high-water")[0]?.detail).toContain(`size ${size}, the database has ${size}`);
      expect(of("standbys")).toMatchObject([
        { level: "warning", detail: expect.stringContaining("a failover could lose what was acknowledged") },
      ]);
      expect(postgres.sql("SELECT epoch FROM tree_head", "log_pg_example_log"), "it does not lead").toBe("3");
    });

    it("doctor says that nothing is acknowledged while the standbys that are named are gone, and of a server that loses what it has", async () => {
      const set = async (name: string, value: string) => {
        postgres.configure(`${name} = '${value}'`);
        postgres.reload();
        while (postgres.sql(`SHOW ${name}`) !== value) await new Promise((done) => setTimeout(done, 20));
      };
      await set("synchronous_standby_names", "nobody");
      const waiting = await run("doctor", "--config", config());
      await set("synchronous_standby_names", "");
      expect([waiting.exitCode, waiting.output]).toEqual([
        EXIT.no,
        expect.stringMatching(/^fault +standbys .*nothing is acknowledged$/m),
      ]);
      await set("fsync", "off");
      const unsafe = await run("doctor", "--config", config());
      await set("fsync", "on");
      expect([unsafe.exitCode, unsafe.output]).toEqual([
        EXIT.no,
        expect.stringMatching(/^fault +server .*fsync off/m),
      ]);
    });

    it("doctor says so where this role may not see who follows, and where nobody answers", async () => {
      const schema = "log_pg_example_log";
      postgres.sql(`CREATE ROLE looking LOGIN; GRANT USAGE ON SCHEMA ${schema} TO looking;
        GRANT SELECT ON ALL TABLES IN SCHEMA ${schema} TO looking`);
      postgres.configure("synchronous_standby_names = 'nobody'");
      postgres.reload();
      const environment = { DATABASE_URL: postgres.url.replace("user=touchstone", "user=looking") };
      const seen = await runCli(["doctor", "--config", config()], { ...outside(), environment });
      postgres.configure("synchronous_standby_names = ''");
      postgres.reload();
      expect([seen.exitCode, seen.output]).toEqual([
        EXIT.good,
        expect.stringMatching(/^warning +standbys .*this role may not see who follows\n.*pg_read_all_stats/m),
      ]);
      const nobody = { DATABASE_URL: "postgres://ann:hidden-word@127.0.0.1:1/x" };
      const gone = await runCli(["doctor", "--config", config()], { ...outside(), environment: nobody });
      expect([gone.exitCode, gone.output]).toEqual([
        EXIT.unreachable,
        expect.stringMatching(/^fault +store +PostgreSQL cannot be reached/m),
      ]);
      expect(gone.output, "the mark is shown all the same").toMatch(/^ok +high-water .*signed size/m);
      expect(gone.output + gone.warnings).not.toContain("hidden-word");
    });

    it("fsck finds it sound while it is served", async () => {
      expect(await json("fsck", "--config", config())).toMatchObject({ sound: true, findings: [] });
    });

    it("a backup is the file of a SQLite database, whole and sound by itself", async () => {
      const backup = at("backup.db");
      const { size, root } = await json<{ size: number; root: string }>(
        "backup",
        backup,
        "--config",
        config(),
      );
      expect(postgres.sql("SELECT size, encode(root, 'hex') FROM tree_head", "log_pg_example_log")).toBe(
        `${size}|${root}`,
      );
      expect(await json("fsck", backup)).toMatchObject({ sound: true, notes: [] });
      expect(await json("audit", backup, "--trust", at("log", "trust-root.json"))).toMatchObject({ size });
    });

    it("an export is a mirror of it", async () => {
      await json("export", at("mirror"), "--config", config());
      const audit = await json("audit", at("mirror"), "--trust", at("log", "trust-root.json"));
      expect(audit).toMatchObject({
        size: Number(postgres.sql("SELECT size FROM tree_head", "log_pg_example_log")),
      });
    });

    it("a database that is not there, or does not let one in, is nobody's fault but its own, and its password stays unsaid", async () => {
      const environment = { DATABASE_URL: "postgres://ann:hidden-word@127.0.0.1:1/x" };
      const { exitCode, warnings } = await runCli(["fsck", "--config", config()], {
        ...outside(),
        environment,
      });
      expect([exitCode, warnings]).toEqual([
        EXIT.unreachable,
        expect.stringMatching(/PostgreSQL cannot be reached/),
      ]);
      expect(warnings).not.toContain("hidden-word");
      const none = await runCli(["fsck", "--config", config()], { ...outside(), environment: {} });
      expect([none.exitCode, none.warnings]).toEqual([
        EXIT.usage,
        expect.stringMatching(/DATABASE_URL is not set/),
      ]);
      const wrong = await runCli(["fsck", "--config", config()], {
        ...outside(),
        environment: { DATABASE_URL: "hidden-word" },
      });
      expect([wrong.exitCode, wrong.warnings]).toEqual([EXIT.usage, expect.stringMatching(/expected a URL/)]);
      expect(wrong.warnings).not.toContain("hidden-word");
    });

    it("a URL on the command line or in the configuration is refused, and not repeated", async () => {
      const given = await run("init", at("other"), "--postgres", "postgres://ann:hidden-word@db/x");
      expect(given.exitCode).toBe(EXIT.usage);
      expect(given.warnings).not.toContain("hidden-word");
      writeFileSync(
        at("with-url.toml"),
        readFileSync(config(), "utf8").replace("env:DATABASE_URL", "postgres://ann:hidden-word@db/x"),
      );
      const written = await run("fsck", "--config", at("with-url.toml"));
      expect([written.exitCode, written.warnings]).toEqual([
        EXIT.usage,
        expect.stringMatching(/the URL itself stands there/),
      ]);
      expect(written.warnings).not.toContain("hidden-word");
    });

    it("is moved into a file and back, with everything that finds an entry, and served from either", async () => {
      await server.stop();
      const onPostgres = readFileSync(config(), "utf8");
      const onFile = onPostgres.replace(
        /^postgres = .*\n^schema = .*\n^replication = .*$/m,
        'database = "moved.db"',
      );
      writeFileSync(at("log", "file.toml"), onFile);
      const size = Number(postgres.sql("SELECT size FROM tree_head", "log_pg_example_log"));
      const out = await json("migrate-store", "--from", config(), "--config", at("log", "file.toml"));
      expect(out).toMatchObject({
        size,
        findings: [],
        retired: expect.stringContaining("log_pg_example_log_moved"),
      });
      expect((await run("fsck", "--config", config())).warnings).toMatch(/has signed a tree/);
      expect(await json("fsck", "--config", at("log", "file.toml"))).toMatchObject({ sound: true });
      const back = await json("migrate-store", "--from", at("log", "moved.db"), "--config", config());
      expect(back).toMatchObject({ size, findings: [], retired: at("log", "moved.db.moved") });
      const again = await run("migrate-store", "--from", at("log", "moved.db"), "--config", config());
      expect([again.exitCode, again.warnings]).toEqual([
        EXIT.usage,
        expect.stringMatching(/there is no log/),
      ]);
      server = await serve();
      await publish("rim-driver");
      await json("audit", server.address, "--trust", at("log", "trust-root.json"));
    });

    it("another log is not moved into it", async () => {
      await json("init", at("another"), "--origin", "pg.example/log");
      const { exitCode, warnings } = await run(
        "migrate-store",
        "--from",
        at("another", "log.db"),
        "--config",
        config(),
      );
      expect([exitCode, warnings]).toEqual([
        EXIT.usage,
        expect.stringMatching(/does not hold a checkpoint of this log/),
      ]);
    });

    it("a schema whose log is gone is not begun again", async () => {
      writeFileSync(
        at("log", "gone.toml"),
        readFileSync(config(), "utf8").replace("log_pg_example_log", "gone"),
      );
      const { exitCode, warnings } = await run("fsck", "--config", at("log", "gone.toml"));
      expect([exitCode, warnings]).toEqual([
        EXIT.usage,
        expect.stringMatching(/has signed a tree of \d+ entries, the database has 0/),
      ]);
    });
  },
);
