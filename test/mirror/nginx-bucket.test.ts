// The configuration in examples/mirror/nginx-bucket.conf with a real nginx, where one is installed: a log behind a cache of its bucket is for
// everybody the log itself.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { audit } from "../../src/auditor/audit.ts";
import { AuditState } from "../../src/auditor/audit-state.ts";
import { openSource } from "../../src/auditor/log-source.ts";
import { type RunningServer, startServer } from "../../src/http/server.ts";
import type { LogStore } from "../../src/log/store/log-store.ts";
import { CopyTarget } from "../../src/mirror/copy-target.ts";
import { Exporter } from "../../src/mirror/exporter.ts";
import { mirrorLog } from "../../src/mirror/mirror.ts";
import { FolderStore } from "../../src/node/objects/folder-store.ts";
import { S3Store } from "../../src/node/objects/s3-store.ts";
import { packagePath } from "../../src/node/package-root.ts";
import { envelopeToJson } from "../../src/protocol/envelope/dsse.ts";
import { formatTrustFile, parseTrustFile } from "../../src/verifier/bundle/trust-pin.ts";
import { NOW } from "../support/clock.ts";
import { FAKE_S3, type FakeS3, startFakeS3 } from "../support/fake-s3.ts";
import { freePort } from "../support/free-port.ts";
import { ServiceHarness } from "../support/service-harness.ts";
import { signPlatforms } from "../support/signing.ts";

const haveNginx = spawnSync("nginx", ["-v"]).error === undefined;
if (!haveNginx) process.stderr.write("SKIPPED: nginx is not installed\n");

let folder: string;
let fake: FakeS3;
let service: ServiceHarness;
let server: RunningServer;
let exporter: Exporter;
let nginx: ChildProcess;
let url: string;

const published = () => service.log.read.published()!;
const inBucket = (path: string) => fake.objects.get(`production/${path}`);
const exported = () =>
  vi.waitFor(() => expect(inBucket("checkpoint")?.body.toString()).toBe(published().note), {
    timeout: 30_000,
  });
const hostOf = (address: string) => new URL(address).host;

beforeAll(async () => {
  if (!haveNginx) return;
  folder = mkdtempSync(join(tmpdir(), "touchstone-nginx-"));
  fake = await startFakeS3();
  fake.faults = { isPublic: true };
  let store: LogStore | undefined;
  const keep = (opened: LogStore) => {
    store = opened;
    return opened;
  };
  service = await ServiceHarness.start({ store: keep });
  await service.publishPolicy();
  await service.log.publish(await signPlatforms(service.keys, "vm", 300));
  server = await startServer({
    app: service.app,
    host: "127.0.0.1",
    port: 0,
    close: async () => undefined,
    graceMs: 0,
  });
  const { endpoint } = fake;
  const clock = () => new Date();
  const objects = new S3Store({ ...FAKE_S3, endpoint, prefix: "production/", fetch, clock });
  const silent = () => undefined;
  exporter = new Exporter({
    store: store!,
    objects,
    clock,
    everyMs: 10,
    logger: { info: silent, warn: silent, error: silent },
  });
  await exported();
  const port = await freePort();
  url = `http://127.0.0.1:${port}`;
  mkdirSync(join(folder, "logs"));
  writeFileSync(join(folder, "nginx.conf"), configuration(port));
  nginx = spawn("nginx", ["-p", folder, "-c", "nginx.conf", "-e", "logs/error"], { stdio: "inherit" });
  for (let tries = 0; tries < 100 && (await fetch(url).catch(() => null)) === null; tries++)
    await new Promise((resolve) => setTimeout(resolve, 50));
}, 60_000);
afterAll(async () => {
  if (!haveNginx) return;
  nginx.kill("SIGTERM");
  await once(nginx, "exit");
  await exporter.stop();
  await server.stop();
  await service.stop();
  await fake.close();
  rmSync(folder, { recursive: true, force: true });
});

/** The example with places of this test: its bucket speaks no TLS. */
function configuration(port: number): string {
  const example = readFileSync(packagePath("examples", "mirror", "nginx-bucket.conf"), "utf8")
    .replace("/var/cache/nginx/log", join(folder, "cache"))
    .replace("server s3.eu-central-1.amazonaws.com:443", `server ${hostOf(fake.endpoint)}`)
    .replace("server 127.0.0.1:8080", `server ${hostOf(server.address)}`)
    .replace("listen 80;", `listen 127.0.0.1:${port};`)
    .replaceAll("https://bucket", "http://bucket");
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
  const paths = temporary.map((name) => `${name}_temp_path ${join(folder, name)};`).join(" ");
  return `daemon off; user root; pid nginx.pid;\nevents { }\nhttp { access_log off; ${paths}\n${example}\n}\n`;
}

/** What the bucket was asked for by others than the export. */
const askedInBucket = () =>
  fake.raw.filter(({ headers }) => headers.authorization === undefined).map(({ url: path }) => path);

describe.skipIf(!haveNginx)("nginx in front of a bucket and the log", () => {
  it.each([
    ["/checkpoint", "text/plain; charset=utf-8", "no-cache"],
    ["/tile/0/000", "application/octet-stream", "public, max-age=31536000, immutable"],
    ["/tile/entries/000", "application/octet-stream", "public, max-age=31536000, immutable"],
  ])("sends %s from the bucket, with the log's header fields", async (path, type, caching) => {
    const response = await fetch(url + path);
    const { headers } = response;
    expect([response.status, headers.get("content-type"), headers.get("cache-control")]).toEqual([
      200,
      type,
      caching,
    ]);
    expect([headers.get("access-control-allow-origin"), headers.get("x-content-type-options")]).toEqual([
      "*",
      "nosniff",
    ]);
    const fromLog = await (await fetch(server.address + path)).arrayBuffer();
    expect(Buffer.from(await response.arrayBuffer())).toEqual(Buffer.from(fromLog));
    expect(askedInBucket()).toContain(`/${FAKE_S3.bucket}/production${path}`);
  });

  it("asks the bucket for a tile once, and for the checkpoint each time", async () => {
    for (let i = 0; i < 3; i++)
      for (const path of ["/tile/1/000.p/1", "/checkpoint"]) await fetch(url + path);
    const count = (end: string) => askedInBucket().filter((path) => path.endsWith(end)).length;
    expect(count("/tile/1/000.p/1")).toBe(1);
    expect(count("/checkpoint")).toBeGreaterThanOrEqual(3);
  });

  it("unpacks entry bundles for those who do not accept them compressed", async () => {
    const form = async (coding: string) => {
      const { headers } = await fetch(`${url}/tile/entries/000`, { headers: { "accept-encoding": coding } });
      return [headers.get("content-encoding"), headers.get("vary")?.toLowerCase()];
    };
    expect(await form("gzip")).toEqual(["gzip", "accept-encoding"]);
    expect(await form("identity")).toEqual([null, "accept-encoding"]);
  });

  it("takes from the service what is not in the bucket, and tells nobody to keep what is nowhere", async () => {
    const path = `/tile/0/000.p/77`;
    expect(inBucket(path.slice(1))).toBeUndefined();
    expect((await fetch(url + path)).status).toBe(200);
    const nowhere = await fetch(`${url}/tile/0/009`);
    expect([nowhere.status, nowhere.headers.get("cache-control")]).toEqual([404, "no-store"]);
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
  });

  it("passes on what is published, which the bucket then has", async () => {
    const [envelope] = await signPlatforms(service.keys, "through", 1);
    const body = JSON.stringify(envelopeToJson(envelope!));
    const answer = await fetch(`${url}/v1/entries`, {
      method: "POST",
      body,
      headers: { "content-type": "application/json" },
    });
    expect(answer.status).toBe(201);
    await exported();
    expect(await (await fetch(`${url}/checkpoint`)).text()).toBe(published().note);
  });

  it("is a log that an auditor finds nothing wrong with, and that can be mirrored", async () => {
    const root = await service.log.read.readEntry(0);
    const trust = parseTrustFile(formatTrustFile(root!.envelope));
    const read = openSource(url, { fetch });
    const state = AuditState.open(null);
    const { findings, size } = await audit({ read, trust, state, now: NOW });
    state.close();
    expect([size, findings]).toEqual([published().checkpoint.size, []]);
    const target = new CopyTarget(new FolderStore(join(folder, "copy")));
    expect(await mirrorLog({ read, target, trust, now: NOW })).toMatchObject({
      outcome: "grown",
      missing: [],
    });
  });
});
