// The doctor finds what was really done to a log: each fault is made in its files, its keys, its clock, or by a witness. It changes nothing.
import { copyFileSync, cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { EXIT } from "../../src/cli/context.ts";
import { initLog } from "../../src/cli/init-log.ts";
import { openLogConfig, readConfig } from "../../src/cli/open-log.ts";
import { openLog } from "../../src/log/open-or-create.ts";
import { openSqlite } from "../../src/node/sqlite.ts";
import { formatPrivateKey } from "../../src/protocol/note/key.ts";
import { type CertificateOptions, ClusterAuthority } from "../support/cluster-certificates.ts";
import { LogHarness } from "../support/log-harness.ts";
import { type CliRun, runCli } from "../support/run-cli.ts";
import { signPlatforms } from "../support/signing.ts";
import { logKey, tlogPolicy, witnessKey } from "../support/witnesses.ts";

const DAY = 86_400_000;
const BEGIN = new Date("2026-11-23T14:00:00Z");
const DOCTOR = ["doctor", "--config"];

interface Report {
  readonly sound: boolean;
  readonly faults: number;
  readonly warnings: number;
  readonly findings: ReadonlyArray<{
    readonly check: string;
    readonly level: string;
    readonly detail: string;
    readonly advice: string | null;
    readonly unanswered: boolean;
  }>;
}

/** What is not ok: "level check: detail". */
const complaints = ({ findings }: Report) =>
  findings
    .filter(({ level }) => level !== "ok")
    .map(({ level, check, detail }) => `${level} ${check}: ${detail}`);

describe("of a log in a file, the doctor", () => {
  let source: string;
  let folder: string;
  let now: Date;
  const at = (name: string) => join(folder, name);
  const outside = () => ({ environment: {}, now: () => now });
  const run = (...args: string[]): Promise<CliRun> =>
    runCli([...DOCTOR, at("touchstone.toml"), ...args], outside());
  const report = async () => (await run("--json")).json<Report>();

  beforeAll(async () => {
    source = mkdtempSync(join(tmpdir(), "touchstone-doctor-"));
    const context = {
      environment: {},
      now: () => BEGIN,
      fetch: () => Promise.reject(new Error("this test has no network")),
      print: () => undefined,
      warn: () => undefined,
      interactive: false,
      confirm: async () => true,
    };
    const options = { origin: "doctor.example/log", url: "http://127.0.0.1:1", port: 0 };
    await initLog(source, { ...options, receiptKey: true, index: true }, context);
    copyFileSync(join(source, "log.db"), join(source, "early.db"));
    // Another status a day later: the log grows by an entry, and its index with it.
    const later = { ...context, now: () => new Date(BEGIN.getTime() + 1.1 * DAY) };
    const config = readConfig(join(source, "touchstone.toml"), context);
    const log = await openLog(await openLogConfig(config, later));
    await vi.waitFor(() => expect(log.indexSize).toBe(3), { timeout: 20_000 });
    await log.close();
  });
  afterAll(() => rmSync(source, { recursive: true }));

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "touchstone-doctor-"));
    cpSync(source, folder, { recursive: true });
    now = new Date(BEGIN.getTime() + 1.2 * DAY);
    return () => rmSync(folder, { recursive: true });
  });

  it("finds it sound, in lines and in a form that stays, and writes to none of its files", async () => {
    const files = ["log.db", "high-water", "index.db"].map((name) => readFileSync(at(name)));
    const { exitCode, output } = await run();
    expect([exitCode, output]).toEqual([EXIT.good, expect.stringMatching(/^sound: 0 faults, 0 warnings$/m)]);
    expect(output.split("\n").slice(0, -2)).toEqual(
      Array(output.split("\n").length - 2).fill(expect.stringMatching(/^ok {7}[a-z-]+ +\S/)),
    );
    const { findings, ...counts } = await report();
    expect(counts).toEqual({ sound: true, faults: 0, warnings: 0 });
    expect([...new Set(findings.map(({ check }) => check))]).toEqual([
      ...["store", "checkpoint", "high-water", "witness", "quorum", "key", "status", "index"],
    ]);
    for (const finding of findings)
      expect(finding).toEqual({
        check: expect.any(String),
        level: "ok",
        detail: expect.any(String),
        advice: null,
        unanswered: false,
      });
    expect(["log.db", "high-water", "index.db"].map((name) => readFileSync(at(name)))).toEqual(files);
    expect(readdirSync(folder).filter((name) => name.endsWith("-journal"))).toEqual([]);
  });

  it("names a database that is behind what the log has signed", async () => {
    copyFileSync(at("early.db"), at("log.db"));
    for (const suffix of ["-wal", "-shm"]) rmSync(at(`log.db${suffix}`), { force: true });
    expect((await run()).exitCode).toBe(EXIT.no);
    expect(complaints(await report()).join("\n")).toMatch(
      /^fault high-water: .*the log has signed a tree of \d+ entries, the database has \d+.*recover --from MIRROR/m,
    );
  });

  it("looks whether the others of a cluster take what it shows, for how long, and names the check where they do not", async () => {
    const authority = await ClusterAuthority.make();
    const config = readFileSync(at("touchstone.toml"), "utf8");
    const shown = async (options: CertificateOptions, address = "https://127.0.0.1:8444") => {
      const credentials = await authority.certify(options);
      for (const [name, text] of Object.entries(credentials))
        writeFileSync(at(`${name}.pem`), text, { mode: 0o600 });
      const cluster = `[cluster]\nid = "a"\nadvertise = "${address}"`;
      const tls = '[cluster.tls]\ncertificate = "certificate.pem"\nkey = "key.pem"\nca = "ca.pem"';
      writeFileSync(at("touchstone.toml"), `${config}\n${cluster}\n${tls}\n`);
      const { findings } = await report();
      return findings.filter(({ check }) => check === "tls").map(({ level, detail }) => `${level} ${detail}`);
    };
    now = new Date();
    expect(await shown({})).toEqual([
      "ok cluster.tls.certificate is taken for 127.0.0.1; the first certificate ends in 90 days",
    ]);
    expect(await shown({ days: [-1, 29] })).toEqual([expect.stringMatching(/^warning .* ends in 29 days$/)]);
    expect(await shown({ days: [-9, -1] })).toEqual([expect.stringMatching(/^fault .* has expired$/)]);
    expect(await shown({ names: ["a.example"] }, "https://a.example")).toEqual([
      expect.stringMatching(/^ok .* taken for a\.example/),
    ]);
    expect(await shown({ names: ["a.example"] }, "https://b.example")).toEqual([
      expect.stringMatching(/^fault .* not for the name or address/),
    ]);
    expect(await shown({ names: ["::1"] }, "https://[::1]:8444")).toEqual([
      expect.stringMatching(/^ok .* taken for ::1/),
    ]);
    writeFileSync(at("key.pem"), "nothing");
    expect(complaints(await report())).toContain(
      "fault tls: configuration: expected a private key in PEM that is not encrypted (at cluster.tls.key)",
    );
  });

  it("names a database that is gone, and still says what the mark says", async () => {
    rmSync(at("log.db"));
    const { exitCode, output } = await run();
    expect(exitCode).toBe(EXIT.no);
    expect(output).toMatch(/^fault +store .*the database has 0: it is an old copy/m);
    expect(output).toMatch(/^ok +high-water .*the log has signed size \d+/m);
  });

  it("names a database that another program wrote", async () => {
    writeFileSync(at("log.db"), "nothing that SQLite knows, and long enough to be looked at");
    expect((await run()).exitCode).toBe(EXIT.no);
    expect(complaints(await report())[0]).toMatch(/^fault store: /);
  });

  it("names a database whose migrations are not those that it knows", async () => {
    const database = openSqlite(at("log.db"), {});
    database.exec("UPDATE schema_migrations SET sha256 = 'other' WHERE version = 1");
    database.close();
    expect((await run()).exitCode).toBe(EXIT.no);
    expect(complaints(await report())[0]).toMatch(/^fault store: migration 1 \(log\) ran with SHA-256 other/);
  });

  it("names a mark that is missing, a damaged one, and one of several that is behind", async () => {
    const mark = readFileSync(at("high-water"));
    rmSync(at("high-water"));
    expect(complaints(await report())).toEqual([
      expect.stringMatching(/^fault high-water: .*its high-water file is missing/),
    ]);
    writeFileSync(at("high-water"), mark.subarray(0, 100));
    expect(complaints(await report())).toEqual([expect.stringMatching(/^fault high-water: .*is damaged/)]);
    writeFileSync(at("high-water"), mark);
    const config = readFileSync(at("touchstone.toml"), "utf8");
    writeFileSync(
      at("touchstone.toml"),
      config.replace(/^highWater = .*$/m, 'highWater = [ "high-water", "new-mark" ]'),
    );
    expect(complaints(await report())).toEqual([expect.stringMatching(/^warning high-water: .*new-mark/)]);
  });

  it("names each key that is not what the trust root says, and repeats none", async () => {
    const other = mkdtempSync(join(tmpdir(), "touchstone-doctor-"));
    const init = ["init", join(other, "log"), "--origin", "doctor.example/log", "--receipt-key"];
    expect((await runCli(init, outside())).exitCode).toBe(EXIT.good);
    cpSync(join(other, "log", "keys"), at("keys"), { recursive: true });
    rmSync(other, { recursive: true });
    const { exitCode, output } = await run();
    expect(exitCode).toBe(EXIT.no);
    expect(output).toMatch(/^fault +key +keys\.log is .* the trust root names/m);
    expect(output).toMatch(/^warning +key +keys\.cosigner .* is no witness/m);
    expect(output).toMatch(/^fault +key +keys\.status .* does not have the status role/m);
    expect(output).toMatch(/^fault +key +keys\.receipt .* is not listed/m);
    expect(output).toMatch(/^fault +quorum .*0 of 1 witnesses/m);
    for (const name of readdirSync(at("keys")))
      expect(output).not.toContain(
        readFileSync(at(`keys/${name}`), "utf8")
          .trim()
          .split("\n")
          .at(-2) ?? name,
      );
  });

  it("names a key that cannot be read", async () => {
    rmSync(at("keys/status.pem"));
    expect(complaints(await report())).toEqual([expect.stringMatching(/^fault key: .*status\.pem/)]);
  });

  it("says how long the status and the checkpoint are still good, and when they are not", async () => {
    now = new Date(BEGIN.getTime() + 30 * DAY);
    expect(complaints(await report())).toEqual([
      expect.stringMatching(/^fault checkpoint: .*verifiers refuse it after/),
      expect.stringMatching(/^fault status: number \d+ has expired/),
    ]);
  });

  it("names an index that is missing, and one of another log", async () => {
    rmSync(at("index.db"));
    for (const suffix of ["-wal", "-shm"]) rmSync(at(`index.db${suffix}`), { force: true });
    const missing = await report();
    expect(complaints(missing)).toEqual([expect.stringMatching(/^warning index: .*is not there/)]);
    expect(missing.sound).toBe(true);
    writeFileSync(at("index.db"), "this is no database");
    expect(complaints(await report())).toEqual([expect.stringMatching(/^fault index: .*index\.db/)]);
  });

  it("ends with 2 on a configuration that is none", async () => {
    writeFileSync(at("touchstone.toml"), "origin = 1");
    expect((await run()).exitCode).toBe(EXIT.usage);
  });
});

describe("of the witnesses, the doctor", () => {
  let harness: LogHarness;
  let size: number;
  /** What the witness says that it saw; null refuses to answer, and no number is an answer of its own. */
  let seen: number | null | Response;
  const bodies: string[] = [];
  const report = async () => {
    const fetch = async (_: unknown, init?: RequestInit) => {
      bodies.push(String(init?.body));
      if (seen instanceof Response) return seen.clone();
      if (seen === null) throw new TypeError("fetch failed");
      return new Response(`${seen}\n`, { status: 409 });
    };
    const args = [...DOCTOR, join(harness.folder, "touchstone.toml"), "--json"];
    return (await runCli(args, { fetch: fetch as typeof globalThis.fetch })).json<Report>();
  };

  beforeAll(async () => {
    const [log, own, other] = [
      await logKey(),
      await witnessKey("own.example"),
      await witnessKey("w.example"),
    ];
    harness = await LogHarness.make({ trustRoot: { logPolicy: tlogPolicy(log, [own, other], 1) } });
    const opened = await harness.create();
    await opened.publish(await signPlatforms(harness.keys, "some", 3));
    await opened.close();
    size = 4;
    writeFileSync(join(harness.folder, "log.key"), `${formatPrivateKey(log)}\n`, { mode: 0o600 });
    writeFileSync(join(harness.folder, "own.key"), `${formatPrivateKey(own)}\n`, { mode: 0o600 });
    writeFileSync(
      join(harness.folder, "touchstone.toml"),
      `origin = "log.example/touchstone"
url = "http://127.0.0.1:1"
[listen]
port = 0
[storage]
database = "log.db"
highWater = "high-water"
[keys]
log = "log.key"
cosigner = "own.key"
[[witnesses]]
name = "w.example"
url = "http://127.0.0.1:2/w"
`,
    );
  });
  afterAll(() => harness.remove());
  const of = ({ findings }: Report, check: string) => findings.filter((finding) => finding.check === check);

  it("says what each has seen, and asks with a checkpoint that is published, as the log alone signed it", async () => {
    seen = size;
    const found = await report();
    expect(of(found, "witness").map(({ level }) => level)).toEqual(["ok", "ok"]);
    expect(of(found, "witness")[1]?.detail).toContain(`has seen ${size} entries`);
    expect(of(found, "quorum")[0]?.detail).toBe("2 of 2 witnesses answer");
    expect(bodies.at(-1)).toMatch(
      /^old 0\n\nlog\.example\/touchstone\n4\n[^\n]+\n\n— log\.example\/touchstone [^\n]+\n$/,
    );
  });

  it("names one that has seen more than there is, and does not count it", async () => {
    seen = size + 7;
    const found = await report();
    expect(of(found, "witness")[1]).toMatchObject({
      level: "fault",
      detail: expect.stringContaining(`has seen ${size + 7} entries, the database has ${size}`),
      advice: expect.stringContaining("recover --from MIRROR"),
    });
    expect(of(found, "quorum")[0]?.detail).toBe("1 of 2 witnesses answer");
  });

  it("warns of one that is behind, one that refuses, and one that does not answer: the others suffice", async () => {
    seen = 1;
    expect(of(await report(), "witness")[1]).toMatchObject({ level: "warning" });
    seen = new Response("who are you", { status: 404 });
    expect(of(await report(), "witness")[1]).toMatchObject({
      level: "warning",
      detail: expect.stringContaining("it does not know the log's origin"),
    });
    seen = null;
    const found = await report();
    expect(of(found, "witness")[1]).toMatchObject({ level: "warning" });
    expect(of(found, "quorum")[0]).toMatchObject({ level: "ok", detail: "1 of 2 witnesses answer" });
  });
});
