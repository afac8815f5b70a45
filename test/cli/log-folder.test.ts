// Which logs are served together: the configurations below a folder, none of which has what is another's, and all of which agree on what
// belongs to the process.
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { EXIT, UsageError } from "../../src/cli/context.ts";
import { configurationsIn } from "../../src/cli/log-folder.ts";
import { requireOneProcess } from "../../src/cli/one-process.ts";
import { parseConfig } from "../../src/service/config.ts";
import { ClusterAuthority, type TestCredentials } from "../support/cluster-certificates.ts";
import { runCli } from "../support/run-cli.ts";

let folder: string;
const at = (...path: string[]) => join(folder, ...path);
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "touchstone-logs-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

function write(name: string, text = ""): string {
  mkdirSync(join(at(name), ".."), { recursive: true });
  writeFileSync(at(name), text);
  return at(name);
}

describe("the configurations of a folder", () => {
  it("are those in it and directly below it, in order", () => {
    const names = ["b.toml", "a/touchstone.toml", "c/touchstone.toml"];
    for (const name of [
      ...names,
      "a/other.toml",
      "d/e/touchstone.toml",
      ".x.toml",
      ".y/touchstone.toml",
      "notes.md",
    ])
      write(name);
    symlinkSync(at("c"), at("z"));
    expect(configurationsIn(folder)).toEqual([
      at("a/touchstone.toml"),
      at("b.toml"),
      at("c/touchstone.toml"),
      at("z/touchstone.toml"),
    ]);
    expect(configurationsIn(at("a"))).toEqual([at("a/other.toml"), at("a/touchstone.toml")]);
  });

  it("are refused where there are none", () => {
    mkdirSync(at("empty"));
    expect(() => configurationsIn(at("empty"))).toThrow(UsageError);
  });

  it.each(["backup", "doctor", "export", "fsck", "recover"])("are one for %s", async (command) => {
    write("a/touchstone.toml");
    const args =
      { backup: ["x.db"], export: [at("copy")], recover: ["--from", "https://x.example"] }[command] ?? [];
    const { exitCode, warnings } = await runCli([command, ...args, "--config", folder]);
    expect([exitCode, warnings]).toEqual([EXIT.usage, expect.stringContaining("Name the file of one log")]);
  });
});

const SECRET = "0123456789abcdef0123456789abcdef";
const ENVIRONMENT = {
  DATABASE: "postgres://touchstone:hidden-word@db.example/logs",
  SAME: "postgresql://other@DB.example/logs?sslmode=require",
  ELSEWHERE: "postgres://db.example/more",
  SECRET,
  SAME_SECRET: SECRET,
  OTHER_SECRET: `${SECRET}x`,
  KEY: "x",
};

const onFile = (name: string, rest = "") => `
origin = "${name}.example"
url = "https://${name}.example"
listen = { host = "0.0.0.0", port = 8080 }
storage = { database = "log.db", highWater = "high-water" }
keys = { log = "log.key" }
${rest}`;

const onPostgres = (name: string, rest = "") =>
  onFile(name, rest).replace(
    'database = "log.db", highWater = "high-water"',
    `postgres = "env:DATABASE", highWater = ["s3:${name}", "high-water"], objects = { endpoint = "https://s3.example", bucket = "tlog", accessKey = "env:KEY", secretKey = "env:KEY" }`,
  );
const CLUSTER =
  'cluster = { id = "a", advertise = "http://10.0.0.5:8444", listen = { port = 8444 }, secret = "env:SECRET" }\n';

/** What holding the two against each other throws, without the folder. */
function refusal(a: string, b: string, environment: NodeJS.ProcessEnv = ENVIRONMENT): string | null {
  const files = [write("a/touchstone.toml", a), write("b/touchstone.toml", b)];
  const configured = files.map((file, i) => ({ file, config: parseConfig([a, b][i]!, file, environment) }));
  const context = { environment, fetch, now: () => new Date(), warn: () => undefined };
  try {
    requireOneProcess(configured, context);
    return null;
  } catch (error) {
    expect(error).toBeInstanceOf(UsageError);
    const { message } = error as Error;
    for (const file of files) if (!message.startsWith("TOUCHSTONE_")) expect(message).toContain(file);
    expect(message).not.toMatch(new RegExp(`hidden-word|${SECRET}`));
    return message.replaceAll(folder, "");
  }
}

describe("logs of one process", () => {
  it("are two whose configurations share nothing but what belongs to the process", () => {
    expect(refusal(onFile("a"), onFile("b"))).toBeNull();
    expect(refusal(onPostgres("a"), onPostgres("b"))).toBeNull();
    expect(
      refusal(CLUSTER + onPostgres("a"), CLUSTER.replace("SECRET", "SAME_SECRET") + onPostgres("b")),
    ).toBeNull();
    const prefixes = [onFile("a"), onFile("b").replace("https://b.example", "https://a.example/b")] as const;
    expect(refusal(...prefixes)).toBeNull();
  });

  it.each<[string, string, string, RegExp]>([
    ["origin", onFile("a"), onFile("b").replace('"b.example"', '"a.example"'), /same origin, a\.example/],
    [
      "URL",
      onFile("a"),
      onFile("b").replace("https://b.example", "https://A.example:443/"),
      /same url, a\.example/,
    ],
    [
      "URL behind a prefix",
      onFile("a").replace("https://a.example", "https://x.example/p"),
      onFile("b").replace("https://b.example", "http://x.example/p/"),
      /same url, x\.example\/p/,
    ],
    [
      "database file",
      onFile("a"),
      onFile("b").replace('"log.db"', '"../a/log.db"'),
      /same database, \/a\/log\.db/,
    ],
    [
      "high-water file",
      onFile("a"),
      onFile("b").replace('"high-water"', '"../a/high-water"'),
      /same high-water mark/,
    ],
    [
      "index",
      onFile("a"),
      onFile("b").replace("storage = {", 'storage = { index = "../a/index.db",'),
      /same index/,
    ],
    [
      "schema by another URL of the database",
      onPostgres("a").replace("postgres =", 'schema = "s", postgres ='),
      onPostgres("b").replace('postgres = "env:DATABASE"', 'schema = "s", postgres = "env:SAME"'),
      /same schema, s of db\.example:5432\/logs/,
    ],
    [
      "mark in a bucket",
      onPostgres("a"),
      onPostgres("b").replace("s3:b", "s3:a"),
      /same high-water mark, https:\/\/s3/,
    ],
    [
      "mark in a bucket, behind a prefix of it",
      onPostgres("a").replace("s3:a", "s3:logs/a"),
      onPostgres("b").replace('s3:b"', 's3:a"').replace("accessKey", 'prefix = "logs/", accessKey'),
      /same high-water mark, https:\/\/s3\.example\/tlog\/logs\/a/,
    ],
    [
      "mark in a bucket by another URL of it",
      onPostgres("a"),
      onPostgres("b").replace("s3:b", "s3:a").replace("https://s3.example", "https://S3.example:443/"),
      /same high-water mark/,
    ],
    [
      "copy in a bucket",
      onPostgres("a").replace("secretKey =", "export = true, secretKey ="),
      onPostgres("b").replace("secretKey =", "export = true, secretKey ="),
      /same place in a bucket, https:\/\/s3\.example\/tlog\//,
    ],
  ])("are not two of one %s", (_what, a, b, expected) => expect(refusal(a, b)).toMatch(expected));

  it("are told apart by a link, too", () => {
    mkdirSync(at("a"));
    symlinkSync(at("a"), at("link"));
    expect(refusal(onFile("a"), onFile("b").replace('"log.db"', '"../link/log.db"'))).toMatch(
      /same database/,
    );
  });

  it("are two of one schema's name in different databases", () => {
    const b = onPostgres("b").replace(
      'postgres = "env:DATABASE"',
      'schema = "s", postgres = "env:ELSEWHERE"',
    );
    expect(refusal(onPostgres("a").replace("postgres =", 'schema = "s", postgres ='), b)).toBeNull();
  });

  it.each<[string, (text: string) => string, string]>([
    ["listen.port", (text) => text.replace("8080", "8081"), "8080 in /a/touchstone.toml, and 8081 in /b/"],
    ["listen.host", (text) => text.replace("0.0.0.0", "::"), '"0.0.0.0" in'],
    ["cluster.id", (text) => text.replace('id = "a"', 'id = "b"'), '"a" in'],
    ["cluster.advertise", (text) => text.replace("10.0.0.5", "10.0.0.6"), '"http://10.0.0.5:8444" in'],
    ["cluster.listen.port", (text) => text.replace("port = 8444", "port = 8445"), "8444 in"],
    [
      "cluster.listen.host",
      (text) => text.replace("port = 8444", 'host = "::1", port = 8444'),
      '"127.0.0.1" in',
    ],
    ["cluster.lease", (text) => text.replace("id =", "lease = 7, id ="), "5 in"],
    ["cluster.staleAfter", (text) => text.replace("id =", "staleAfter = 7, id ="), "10 in"],
    ["cluster.id", (text) => text.replace(CLUSTER, ""), '"a" in /a/touchstone.toml, and not given in'],
    ["limits.trustedProxies", (text) => `limits = { trustedProxies = 1 }\n${text}`, "0 in"],
    ["logLevel", (text) => `logLevel = "debug"\n${text}`, '"info" in'],
  ])("say the same of %s", (name, change, expected) => {
    const [a, b] = [CLUSTER + onPostgres("a"), change(CLUSTER + onPostgres("b"))];
    expect(refusal(a, b)).toContain(`${name} is ${expected}`);
  });

  it("know one secret, which no refusal says", () => {
    const b = CLUSTER.replace("SECRET", "OTHER_SECRET") + onPostgres("b");
    expect(refusal(CLUSTER + onPostgres("a"), b)).toMatch(/^cluster\.secret is another one/);
  });

  it("show one certificate, whichever file it stands in, and no refusal says its key", async () => {
    const authority = await ClusterAuthority.make();
    const [own, other] = [await authority.certify(), await authority.certify()];
    const shown = (prefix: string, { certificate, key, ca }: TestCredentials) => ({
      [`${prefix}_CERTIFICATE`]: certificate,
      [`${prefix}_KEY`]: key,
      [`${prefix}_CA`]: ca,
    });
    const environment = {
      ...ENVIRONMENT,
      ...shown("A", own),
      ...shown("SAME", own),
      ...shown("OTHER", other),
    };
    const of = (prefix: string) =>
      CLUSTER.replace("http:", "https:").replace(
        "secret =",
        `tls = { certificate = "env:${prefix}_CERTIFICATE", key = "env:${prefix}_KEY", ca = "env:${prefix}_CA" }, secret =`,
      );
    expect(refusal(of("A") + onPostgres("a"), of("SAME") + onPostgres("b"), environment)).toBeNull();
    const message = refusal(of("A") + onPostgres("a"), of("OTHER") + onPostgres("b"), environment);
    expect(message).toMatch(/^cluster\.tls is another one/);
    expect(message).not.toContain("BEGIN");
  });

  it.each(["TOUCHSTONE_URL", "TOUCHSTONE_DATABASE", "TOUCHSTONE_HIGH_WATER", "TOUCHSTONE_INDEX"])(
    "are not told by %s what one of them has",
    (name) => {
      const value = name === "TOUCHSTONE_URL" ? "https://x.example" : "x";
      expect(refusal(onFile("a"), onFile("b"), { [name]: value })).toMatch(
        `${name} is for one log, and 2 are`,
      );
    },
  );

  it("are told by the environment what belongs to the process", () => {
    expect(refusal(onFile("a"), onFile("b").replace("8080", "8081"), { TOUCHSTONE_PORT: "7" })).toBeNull();
  });

  it("have URLs that can be told apart", () => {
    const files = ["a", "b"].map((name) =>
      write(`${name}.toml`, onFile(name).replace('.example"\nlisten', '.example/a//b"\nlisten')),
    );
    const configured = files.map((file, i) => ({
      file,
      config: { ...parseConfig(onFile(["a", "b"][i]!), file, {}), url: "https://a.example/a//b" },
    }));
    const context = { environment: {}, fetch, now: () => new Date(), warn: () => undefined };
    expect(() => requireOneProcess(configured, context)).toThrow(`${files[0]}: configuration`);
  });
});
