// What docs/operating.md names exists, and what exists it names: configuration, environment, metrics.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseConfig } from "../../src/service/config.ts";
import { registerExportGauges } from "../../src/service/metrics/export-gauges.ts";
import { registerStartedGauge } from "../../src/service/metrics/started-gauge.ts";
import { ServiceHarness } from "../support/service-harness.ts";

const PAGE = readFileSync(fileURLToPath(new URL("../../docs/operating.md", import.meta.url)), "utf8");
const MINIMAL = `
  origin = "x"
  url = "https://x.example"
  listen = { port = 1 }
  storage = { database = "d", highWater = "h", index = "i", objects = { endpoint = "https://s3.example", bucket = "tlog", accessKey = "a", secretKey = "s" } }
  keys = { log = "l", logMlDsa44 = "m", cosigner = "c", status = "s", receipt = "r" }
  operator = { name = "n", url = "https://o.example", contact = "c", security = "mailto:s@o.example" }
  identities = { checkMinutes = 60 }
  witnesses = [{ name = "w", url = "https://w.example" }]
  cluster = { id = "a", advertise = "https://10.0.0.5:8444", listen = { port = 8444 }, secret = "s", tls = { certificate = "c", key = "k", ca = "a" } }
`;

/** What the same says of a log in PostgreSQL. */
const ON_POSTGRES = MINIMAL.replace(
  'database = "d"',
  'postgres = "p", schema = "s", reader = "r", replication = "warn"',
);

/** "a", "b.c" and "d[].e" for every value of a configuration. */
function namesIn(value: unknown, path = ""): string[] {
  // Several places of one thing, not several things.
  if (path === "storage.highWater") return [path];
  if (Array.isArray(value)) return value.flatMap((item) => namesIn(item, `${path}[]`));
  if (typeof value !== "object" || value === null) return [path];
  return Object.entries(value).flatMap(([key, item]) => namesIn(item, path === "" ? key : `${path}.${key}`));
}

describe("docs/operating.md", () => {
  let harness: ServiceHarness;
  beforeAll(async () => {
    harness = await ServiceHarness.start();
    const progress = { size: 0, failures: 0, isDamaged: false, behindSince: null };
    registerExportGauges(harness.service.metrics.registry, progress, () => new Date());
    registerStartedGauge(harness.service.metrics.registry, []);
  });
  afterAll(() => harness.stop());

  it("explains every value of the configuration, and no other, with its default", () => {
    const section = PAGE.slice(PAGE.indexOf("## Configuration"), PAGE.indexOf("## Keys"));
    const rows = section.split("\n").filter((line) => line.startsWith("| `"));
    const explained = rows.flatMap((row) =>
      [...row.split("|")[1]!.matchAll(/`([^`]+)`/g)].map(([, name]) => name),
    );
    const config = parseConfig(MINIMAL, "/x/touchstone.toml", {});
    const names = [config, parseConfig(ON_POSTGRES, "/x/touchstone.toml", {})].flatMap((read) =>
      namesIn(read),
    );
    expect(explained.sort()).toEqual([...new Set(names)].sort());
    for (const [name, value] of Object.entries(config.limits))
      expect(section).toContain(`| \`limits.${name}\` | ${value} |`);
  });

  it("names the environment variables that override it", () => {
    for (const name of PAGE.match(/TOUCHSTONE_[A-Z_]+/g) ?? []) {
      const value =
        name === "TOUCHSTONE_URL" ? "https://y.example" : name === "TOUCHSTONE_LOG_LEVEL" ? "warn" : "7";
      const plain = parseConfig(MINIMAL, "/x/touchstone.toml", {});
      expect(parseConfig(MINIMAL, "/x/touchstone.toml", { [name]: value }), name).not.toEqual(plain);
    }
  });

  it("names every metric, and no other", async () => {
    const text = await (await harness.get("/metrics")).text();
    const served = [...text.matchAll(/^# TYPE (touchstone_\w+)/gm)].map(([, name]) => name);
    const named = new Set(PAGE.match(/touchstone_[a-z_]+/g));
    expect([...named].sort()).toEqual(served.sort());
  });

  it("links to sections that are there", () => {
    const anchors = [...PAGE.matchAll(/^## (.+)$/gm)].map(([, title]) =>
      title!.toLowerCase().replaceAll(" ", "-"),
    );
    for (const [, anchor] of PAGE.matchAll(/\]\(#([a-z-]+)\)/g)) expect(anchors).toContain(anchor);
  });
});
