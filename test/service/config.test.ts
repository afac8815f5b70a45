// The configuration: what init writes is what serve reads, and nothing unknown or secret slips through.
import { describe, expect, test } from "vitest";
import { type ConfigInput, formatConfig, parseConfig } from "../../src/service/config.ts";
import { malformedOf } from "../support/refusals.ts";

const INPUT: ConfigInput = {
  origin: "log.example/touchstone",
  url: "https://log.example",
  listen: { port: 8080 },
  storage: { database: "touchstone.db", highWater: "high-water" },
  keys: { log: "keys/log.key", cosigner: "env:COSIGNER_KEY", status: "keys/status.pem" },
  witnesses: [{ name: "w1", url: "https://witness.example" }],
  limits: { writesPerMinute: 10 },
};
const FILE = "/srv/log/touchstone.toml";

test("what is written is read back, with absolute paths and every default", () => {
  expect(parseConfig(formatConfig(INPUT), FILE, {})).toEqual({
    ...INPUT,
    listen: { host: "127.0.0.1", port: 8080 },
    identities: { checkMinutes: 0 },
    operator: {},
    storage: { database: "/srv/log/touchstone.db", highWater: ["/srv/log/high-water"] },
    keys: { log: "/srv/log/keys/log.key", cosigner: "env:COSIGNER_KEY", status: "/srv/log/keys/status.pem" },
    limits: { writesPerMinute: 10, maxPendingEntries: 4096, requestTimeout: 60, trustedProxies: 0 },
    logLevel: "info",
  });
});

test("the environment overrides the file", () => {
  const environment = {
    TOUCHSTONE_PORT: "9090",
    TOUCHSTONE_DATABASE: "/data/log.db",
    TOUCHSTONE_LOG_LEVEL: "debug",
    OTHER: "x",
  };
  const { listen, storage, logLevel } = parseConfig(formatConfig(INPUT), FILE, environment);
  expect([listen.port, storage.database, logLevel]).toEqual([9090, "/data/log.db", "debug"]);
});

const OBJECTS = {
  endpoint: "https://s3.example",
  bucket: "tlog",
  accessKey: "env:ACCESS",
  secretKey: "keys/secret",
};
const withObjects = (change: object) =>
  formatConfig({ ...INPUT, storage: { ...INPUT.storage, objects: { ...OBJECTS, ...change } } });

test("a bucket has defaults, and its keys are where the file says, relative to it", () => {
  const { storage } = parseConfig(withObjects({}), FILE, {});
  expect(storage.objects).toEqual({
    ...OBJECTS,
    prefix: "",
    region: "us-east-1",
    secretKey: "/srv/log/keys/secret",
    export: false,
  });
});

describe("a bucket is refused", () => {
  const toml = withObjects({ prefix: "a/b/" });
  test.each([
    ["with a prefix without its slash", "a/b/", "a/b", "prefix"],
    ["with a prefix that leads out of it", "a/b/", "a/../", "prefix"],
    ["with a prefix from the root", "a/b/", "/a/", "prefix"],
    ["whose name is a path", '"tlog"', '"tlog/a"', "bucket"],
    ["at a URL with a password", "https://s3.example", "https://u:p@s3.example", "endpoint"],
    ["at a URL with a query", "https://s3.example", "https://s3.example/?a", "endpoint"],
    ["at no URL", "https://s3.example", "s3.example", "endpoint"],
  ])("%s", async (_, right, wrong, member) => {
    expect(toml).toContain(right);
    const refused = await malformedOf(() => parseConfig(toml.replace(right, wrong), FILE, {}));
    expect(refused?.at).toBe(`storage.objects.${member}`);
  });
});

describe("refused, naming the place", () => {
  const toml = formatConfig(INPUT);
  test.each([
    ["not TOML", "origin = ", "line 1"],
    ["an unknown member", `colour = "red"\n${toml}`, undefined],
    ["a missing origin", toml.replace(/^origin.*$/m, ""), "origin"],
    ["an impossible port", toml.replace("8080", "80800"), "listen.port"],
    ["another URL scheme", toml.replace("https://log.example", "ftp://log.example"), "url"],
  ])("%s", async (_, text, at) => {
    const refused = await malformedOf(() => parseConfig(text, FILE, {}));
    expect([refused?.format, refused?.at]).toEqual(["configuration", at]);
  });

  test("a port of the environment that is none", async () => {
    const refused = await malformedOf(() => parseConfig(toml, FILE, { TOUCHSTONE_PORT: "http" }));
    expect(refused?.at).toBe("listen.port");
  });
});

describe("processes that show each other certificates", () => {
  const tls = { certificate: "cluster.pem", key: "env:CLUSTER_KEY", ca: "/etc/cluster-ca.pem" };
  const withCluster = (change: object) =>
    formatConfig({ ...INPUT, cluster: { id: "a", secret: "secret", ...change } });

  test("have them where the file says, relative to it", () => {
    const text = withCluster({ advertise: "https://a.example:8444", tls });
    expect(parseConfig(text, FILE, {}).cluster).toMatchObject({
      secret: "/srv/log/secret",
      tls: { ...tls, certificate: "/srv/log/cluster.pem" },
    });
    expect(parseConfig(withCluster({ tls, secret: undefined }), FILE, {}).cluster?.tls?.key).toBe(tls.key);
  });

  test("are reached by https:, and others are not", async () => {
    const refused = (cluster: string) =>
      malformedOf(() => parseConfig(`${formatConfig(INPUT)}\n[cluster]\nid = "a"\n${cluster}`, FILE, {}));
    const named = '[cluster.tls]\ncertificate = "c"\nkey = "k"\nca = "a"';
    for (const cluster of [`advertise = "http://a.example"\n${named}`, 'advertise = "HTTPS://a.example"'])
      expect(await refused(cluster)).toMatchObject({
        at: "cluster.advertise",
        message: expect.stringMatching(/https: where there is cluster\.tls/),
      });
    expect(await refused(`advertise = "none"\n${named}`)).toMatchObject({ at: "cluster.advertise" });
    expect(await refused('[cluster.tls]\ncertificate = "c"')).toMatchObject({
      at: expect.stringMatching(/tls/),
    });
  });
});
