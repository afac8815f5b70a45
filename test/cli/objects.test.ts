// A service that exports to a bucket, from its configuration to what readers get: fsck names what was altered in it, an unsafe server is
// refused, neither key is shown to anybody, and what is exported can be audited and mirrored without the log.
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { pino } from "pino";
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { initLog } from "../../src/cli/init-log.ts";
import { serveLog } from "../../src/cli/serve-log.ts";
import type { RunningServer } from "../../src/http/server.ts";
import { serveMirror } from "../../src/mirror/serve-mirror.ts";
import { FAKE_S3, type FakeS3, startFakeS3 } from "../support/fake-s3.ts";
import { runCli } from "../support/run-cli.ts";

const EXAMPLE = fileURLToPath(new URL("../../examples/release/example-kernel.json", import.meta.url));
const environment = { ACCESS: FAKE_S3.accessKey, SECRET: FAKE_S3.secretKey };
const context = {
  environment,
  now: () => new Date(),
  print: () => undefined,
  warn: () => undefined,
  interactive: false,
  confirm: async () => true,
  fetch,
};
let folder: string;
let fake: FakeS3;
let server: RunningServer;
let lines: string[];
const at = (name: string) => join(folder, name);
const config = () => at("log/touchstone.toml");
const run = (...args: string[]) => runCli(args, { environment, now: () => new Date(), fetch });

function serve(): Promise<RunningServer> {
  const logger = pino({ level: "info" }, { write: (line: string) => void lines.push(line) });
  return serveLog(config(), 0, logger, context);
}

const inBucket = (key: string) => fake.objects.get(`prod/${key}`);
const exported = async () => {
  const shown = await (await fetch(`${server.address}/checkpoint`)).text();
  await vi.waitFor(() => expect(inBucket("checkpoint")?.body.toString()).toBe(shown), { timeout: 30_000 });
};

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "touchstone-bucket-"));
  fake = await startFakeS3();
  lines = [];
  await initLog(at("log"), { origin: "bucket.example/log", url: "http://127.0.0.1:8080", port: 0 }, context);
  const plain = readFileSync(config(), "utf8");
  writeFileSync(at("log/plain.toml"), plain);
  const objects = [
    "[storage.objects]",
    `endpoint = "${fake.endpoint}"`,
    `bucket = "${FAKE_S3.bucket}"`,
    `region = "${FAKE_S3.region}"`,
    'prefix = "prod/"',
    'accessKey = "env:ACCESS"',
    'secretKey = "env:SECRET"',
    "export = true",
  ];
  writeFileSync(config(), `${plain}\n${objects.join("\n")}\n`);
  await run("backup", at("old.db"), "--config", config());
  server = await serve();
  await run("sign", EXAMPLE, "--key", at("log/keys/publisher.pem"), "-o", at("kernel.dsse.json"));
  const { exitCode, warnings } = await run(
    ...["publish", at("kernel.dsse.json"), "--to", server.address, "--trust", at("log/trust-root.json")],
  );
  expect(exitCode, warnings).toBe(0);
  await exported();
}, 60_000);
beforeEach(() => {
  fake.faults = {};
});
afterAll(async () => {
  await server.stop();
  await fake.close();
  rmSync(folder, { recursive: true });
});

describe("a service that exports to a bucket", () => {
  it("says how far the bucket is", async () => {
    await vi.waitFor(async () => {
      const metrics = await (await fetch(`${server.address}/metrics`)).text();
      expect(metrics).toMatch(/^touchstone_export_tree_size [23]$/m);
      expect(metrics).toMatch(/^touchstone_export_lag_seconds 0$/m);
      expect(metrics).toMatch(/^touchstone_objects_damaged 0$/m);
      expect(metrics).toMatch(/^touchstone_export_failures_total 0$/m);
    });
  });

  it("shows neither key to anybody", async () => {
    fake.faults = { unavailable: 1 };
    const said = JSON.stringify([lines, fake.raw, [...fake.objects.keys()]]);
    expect(said).not.toContain(FAKE_S3.secretKey);
    expect(lines.join("")).not.toContain(FAKE_S3.accessKey);
  });

  it("is started while the bucket is down, and exports once that is back", async () => {
    await server.stop();
    fake.objects.clear();
    fake.faults = { unavailable: 1_000_000 };
    server = await serve();
    expect(lines.join("")).toContain("the bucket does not answer, and will be asked again");
    fake.faults = {};
    await exported();
  });

  it("is refused where the bucket's server ignores conditions, and the log is free again", async () => {
    await server.stop();
    fake.faults = { ignore: "if-none-match" };
    await expect(serve()).rejects.toMatchObject({ code: "storage-unsafe" });
    const { exitCode, warnings } = await run("serve", "--config", config(), "--json");
    expect([exitCode, JSON.parse(warnings).error.code]).toEqual([2, "storage-unsafe"]);
    fake.faults = {};
    server = await serve();
  });

  it.each([
    ["another secret key", { environment: { ...environment, SECRET: "other" } }, "403 SignatureDoesNotMatch"],
    ["no secret key", { environment: { ACCESS: "AKFAKE" } }, "environment variable SECRET is not set"],
  ])("is refused with %s", async (_, change, message) => {
    await server.stop();
    const { exitCode, warnings } = await runCli(["serve", "--config", config()], {
      fetch,
      now: () => new Date(),
      ...change,
    });
    expect([exitCode, warnings]).toEqual([2, expect.stringContaining(message)]);
    server = await serve();
  });
});

describe("touchstone doctor, of the bucket", () => {
  const doctor = () => run("doctor", "--config", config());
  const checkpoint = () => fake.objects.get("prod/checkpoint");

  it("says that it has everything, shows neither key, and writes nothing", async () => {
    await exported();
    const writes = () => fake.requests.filter((request) => !/^(?:GET|HEAD) /.test(request)).length;
    const before = writes();
    const { exitCode, output } = await doctor();
    expect([exitCode, output]).toEqual([
      0,
      expect.stringMatching(/^ok +bucket .* has all [23] published entries$/m),
    ]);
    expect(output).not.toContain(FAKE_S3.secretKey);
    expect(writes()).toBe(before);
  });

  it("says so where the copy is of another tree, and where there is none", async () => {
    const whole = checkpoint() as NonNullable<ReturnType<typeof checkpoint>>;
    const [origin, size, , ...rest] = whole.body.toString().split("\n");
    const other = [origin, size, Buffer.alloc(32, 7).toString("base64"), ...rest].join("\n");
    fake.objects.set("prod/checkpoint", { ...whole, body: Buffer.from(other) });
    const forked = await doctor();
    fake.objects.delete("prod/checkpoint");
    const none = await doctor();
    fake.objects.set("prod/checkpoint", whole);
    expect([forked.exitCode, forked.output]).toEqual([
      1,
      expect.stringMatching(/^fault +bucket .*another history of this one$/m),
    ]);
    expect([none.exitCode, none.output]).toEqual([
      1,
      expect.stringMatching(/^fault +bucket .*nothing was exported$/m),
    ]);
  });

  it("ends with 3 where nothing is at fault but that the bucket does not answer", async () => {
    fake.faults = { unavailable: 1_000_000 };
    const { exitCode, output } = await doctor();
    expect([exitCode, output]).toEqual([3, expect.stringMatching(/^fault +bucket .*503/m)]);
  }, 60_000);

  it("knows a mark in the bucket, and says so where that is damaged", async () => {
    const marked = at("log/marked.toml");
    const text = readFileSync(config(), "utf8");
    writeFileSync(marked, text.replace(/^highWater = .*$/m, 'highWater = ["s3:mark", "high-water"]'));
    const mark = async () => run("doctor", "--config", marked);
    expect(await mark()).toMatchObject({
      exitCode: 0,
      output: expect.stringMatching(/^warning +high-water +s3:mark: /m),
    });
    fake.objects.set("prod/mark", { body: Buffer.from("no note"), headers: {}, modified: new Date() });
    const damaged = await mark();
    fake.objects.delete("prod/mark");
    expect([damaged.exitCode, damaged.output]).toEqual([
      1,
      expect.stringMatching(/^fault +high-water .*it holds no checkpoint/m),
    ]);
  });
});

describe("touchstone fsck --objects", () => {
  const fsck = (...more: string[]) => run("fsck", "--objects", "--config", config(), ...more);

  it("reads the whole copy, while it is served", async () => {
    const { exitCode, output } = await fsck();
    expect(output).toMatch(/^sound: [23] entries.*\nnote: \d+ objects of a copy of size [23] were read$/);
    expect(exitCode).toBe(0);
  });

  it.each([
    [/tile\/0\/000\.p\//, "has other bytes than the log"],
    [/tile\/entries\/000\.p\//, "cannot be read"],
    [/^prod\/checkpoint$/, "is none that this log has published"],
  ])("names %s where it was altered", async (pattern, problem) => {
    const path = [...fake.objects.keys()].find((key) => pattern.test(key))!.slice("prod/".length);
    const object = inBucket(path)!;
    fake.objects.set(`prod/${path}`, { ...object, body: Buffer.from(object.body).fill(1, 20, 30) });
    const { exitCode, output } = await fsck();
    fake.objects.set(`prod/${path}`, object);
    expect(output).toContain(`objects: ${path} ${problem}`);
    expect(exitCode).toBe(1);
  });

  it("names what is missing, and what is of another log", async () => {
    const promised = [...fake.objects.keys()]
      .filter((key) => /tile\/(0|entries)\/000\.p\/[23]$/.test(key))
      .sort();
    const [missing] = promised.slice(-1) as [string];
    const object = fake.objects.get(missing)!;
    fake.objects.delete(missing);
    fake.objects.set("prod/tile/0/007", inBucket("checkpoint")!);
    const { exitCode, output } = await fsck();
    fake.objects.set(missing, object);
    fake.objects.delete("prod/tile/0/007");
    expect(output).toContain(`objects: ${missing.slice("prod/".length)} is missing`);
    expect(output).toContain("objects: tile/0/007 has other bytes than the log");
    expect(exitCode).toBe(1);
  });

  it("asks for a bucket, and for the log itself", async () => {
    const without = await run("fsck", "--objects", "--config", at("log/plain.toml"));
    expect([without.exitCode, without.warnings]).toEqual([2, expect.stringContaining("names no bucket")]);
    const ofBackup = await run("fsck", "x.db", "--objects");
    expect([ofBackup.exitCode, ofBackup.warnings]).toEqual([
      2,
      expect.stringContaining("not against a backup"),
    ]);
  });
});

describe("touchstone recover --from s3:", () => {
  it("brings an old copy of the database up to what the log has signed, from the bucket", async () => {
    await server.stop();
    for (const suffix of ["-wal", "-shm"]) rmSync(at(`log/log.db${suffix}`), { force: true });
    copyFileSync(at("old.db"), at("log/log.db"));
    const refused = await run("serve", "--config", config());
    expect([refused.exitCode, refused.warnings]).toEqual([2, expect.stringContaining("touchstone recover")]);
    const { exitCode, output, warnings } = await run("recover", "--from", "s3:", "--config", config());
    expect([exitCode, warnings]).toEqual([0, ""]);
    expect(output).toMatch(/^[12] entries added; the log has [23]$/);
    server = await serve();
    await exported();
    expect((await run("fsck", "--objects", "--config", config())).exitCode).toBe(0);
  });

  it("asks for a bucket", async () => {
    const without = await run("recover", "--from", "s3:", "--config", at("log/plain.toml"));
    expect([without.exitCode, without.warnings]).toEqual([2, expect.stringContaining("names no bucket")]);
  });
});

describe("what touchstone export writes, served over HTTP", () => {
  it("is audited by a stranger, and mirrored, as the log would be", async () => {
    expect((await run("export", at("www"), "--config", config(), "--gzip")).exitCode).toBe(0);
    const www = await serveMirror(at("www"), "127.0.0.1", 0);
    try {
      const trust = ["--trust", at("log/trust-root.json")];
      const audited = await run("audit", www.address, ...trust, "--json");
      expect([audited.exitCode, audited.warnings]).toEqual([0, ""]);
      const mirrored = await run("mirror", www.address, at("copy"), ...trust);
      expect(mirrored.output).toMatch(/size [23], [23] entries added/);
      expect(readFileSync(at("copy/checkpoint"))).toEqual(readFileSync(at("www/checkpoint")));
    } finally {
      await www.stop();
    }
  });
});
