// Starts a PostgreSQL of a test's own: a cluster in a folder that is removed, on a socket in it, in which each test has a schema. As root
// its programs run as the user that Debian's package makes, since the server refuses to be root.
import { execFileSync, spawnSync } from "node:child_process";
import {
  appendFileSync,
  chownSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { PostgresLocation } from "../../src/log/store/store-location.ts";

const DEBIAN = "/usr/lib/postgresql";
const USER = "postgres";

/** The programs of the newest server that is installed. */
const PROGRAMS = findPrograms();

/** Why the tests with PostgreSQL are skipped; undefined where they are not. */
export const whyNoPostgres = PROGRAMS === undefined ? "PostgreSQL is not installed" : undefined;
if (whyNoPostgres !== undefined && process.env.TOUCHSTONE_REQUIRE_POSTGRES === "1")
  throw new Error(whyNoPostgres);

function findPrograms(): string | undefined {
  const versions = existsSync(DEBIAN) ? readdirSync(DEBIAN).map(Number).filter(Number.isInteger) : [];
  const folders = versions.sort((a, b) => b - a).map((version) => join(DEBIAN, String(version), "bin"));
  return folders.find((folder) => existsSync(join(folder, "initdb")));
}

export class TestPostgres {
  readonly folder: string;
  #schemas = 0;
  readonly #stopAtExit = () => this.stop("immediate");

  private constructor(folder: string) {
    this.folder = folder;
    process.once("exit", this.#stopAtExit);
  }

  /** @param settings lines of postgresql.conf. */
  static start(...settings: readonly string[]): TestPostgres {
    const folder = makeFolder();
    const postgres = new TestPostgres(folder);
    run(
      "initdb",
      "-D",
      postgres.data,
      "-A",
      "trust",
      "-E",
      "UTF8",
      "--locale=C.UTF-8",
      "-U",
      "touchstone",
      "--no-sync",
    );
    postgres.configure("listen_addresses = ''", `unix_socket_directories = '${folder}'`, ...settings);
    postgres.startServer();
    return postgres;
  }

  /** A standby that follows this one by streaming, under a name for synchronous_standby_names. */
  startStandby(name: string): TestPostgres {
    const standby = new TestPostgres(makeFolder());
    const primary = `host=${this.folder} user=touchstone application_name=${name}`;
    run(
      "pg_basebackup",
      "-h",
      this.folder,
      "-U",
      "touchstone",
      "-D",
      standby.data,
      "-c",
      "fast",
      "-X",
      "stream",
    );
    standby.configure(
      `unix_socket_directories = '${standby.folder}'`,
      `primary_conninfo = '${primary}'`,
      "hot_standby = on",
    );
    run("touch", join(standby.data, "standby.signal"));
    standby.startServer();
    return standby;
  }

  get data(): string {
    return join(this.folder, "data");
  }

  get url(): string {
    return `postgres:///postgres?host=${this.folder}&user=touchstone`;
  }

  /** A schema that nothing is in yet. */
  location(change: Partial<PostgresLocation> = {}): PostgresLocation {
    return { url: this.url, schema: `test_${++this.#schemas}`, replication: "warn", ...change };
  }

  /** Appends lines to its configuration; a later line wins. */
  configure(...lines: readonly string[]): void {
    appendFileSync(join(this.data, "postgresql.conf"), `\n${lines.join("\n")}\n`);
  }

  /** Runs SQL as the administrator. @returns rows, a line each. */
  sql(text: string, schema = "public", database = "postgres"): string {
    const options = [
      "-h",
      this.folder,
      "-U",
      "touchstone",
      "-d",
      database,
      "-X",
      "-q",
      "-A",
      "-t",
      "-v",
      "ON_ERROR_STOP=1",
    ];
    return execFileSync(join(PROGRAMS ?? "", "psql"), [...options, "-c", text], {
      encoding: "utf8",
      env: { ...process.env, PGOPTIONS: `-c search_path=${schema}` },
      stdio: ["ignore", "pipe", "pipe"],
    }).trim();
  }

  startServer(): void {
    run("pg_ctl", "-D", this.data, "-w", "-t", "60", "-l", join(this.folder, "log"), "start");
  }

  /** "immediate" is what a crash leaves. */
  stop(mode: "fast" | "immediate" = "fast"): void {
    if (existsSync(join(this.data, "postmaster.pid")))
      run("pg_ctl", "-D", this.data, "-w", "-m", mode, "stop");
  }

  /** Makes a standby take writes. */
  promote(): void {
    run("pg_ctl", "-D", this.data, "-w", "promote");
  }

  reload(): void {
    run("pg_ctl", "-D", this.data, "reload");
  }

  /** What the server has said. */
  get log(): string {
    return readFileSync(join(this.folder, "log"), "utf8");
  }

  remove(): void {
    process.off("exit", this.#stopAtExit);
    this.stop("immediate");
    rmSync(this.folder, { recursive: true, force: true });
  }
}

function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "touchstone-pg-"));
  if (process.getuid?.() === 0) chownSync(folder, idOf("-u"), idOf("-g"));
  return folder;
}

function idOf(which: "-u" | "-g"): number {
  return Number(execFileSync("id", [which, USER], { encoding: "utf8" }));
}

function run(program: string, ...args: readonly string[]): void {
  const path = program.startsWith("pg_") || program === "initdb" ? join(PROGRAMS ?? "", program) : program;
  const command = process.getuid?.() === 0 ? ["runuser", "-u", USER, "--", path, ...args] : [path, ...args];
  const { status, stderr, error } = spawnSync(command[0] as string, command.slice(1), {
    encoding: "utf8",
    cwd: tmpdir(),
    stdio: ["ignore", "ignore", "pipe"],
  });
  if (status !== 0) throw new Error(`${program}: ${error?.message ?? stderr}`);
}
