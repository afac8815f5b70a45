// The configuration in examples/mirror/nginx.conf with a real nginx, where one is installed: clients cannot tell it from the log.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openSource } from "../../src/auditor/log-source.ts";
import { CopyTarget } from "../../src/mirror/copy-target.ts";
import { mirrorLog } from "../../src/mirror/mirror.ts";
import { FolderStore } from "../../src/node/objects/folder-store.ts";
import { packagePath } from "../../src/node/package-root.ts";
import {
  auditServed,
  fetchFrom,
  type HonestLog,
  honestLog,
  PREFIX,
  type Served,
  serve,
} from "../auditor/served-log.ts";
import { NOW } from "../support/clock.ts";
import { freePort } from "../support/free-port.ts";

const haveNginx = spawnSync("nginx", ["-v"]).error === undefined;
if (!haveNginx) process.stderr.write("SKIPPED: nginx is not installed\n");

let folder: string;
let honest: HonestLog;
let served: Served;
let url: string;
let nginx: ChildProcess;

beforeAll(async () => {
  if (!haveNginx) return;
  folder = mkdtempSync(join(tmpdir(), "touchstone-nginx-"));
  honest = await honestLog();
  served = await serve(honest.log);
  const read = openSource(PREFIX, { fetch: fetchFrom(served) });
  const target = new CopyTarget(new FolderStore(join(folder, "log"), { gzip: true }));
  await mirrorLog({ read, target, trust: honest.trust, now: NOW });
  const port = await freePort();
  url = `http://127.0.0.1:${port}`;
  writeFileSync(join(folder, "nginx.conf"), configuration(port));
  mkdirSync(join(folder, "logs"));
  nginx = spawn("nginx", ["-p", folder, "-c", "nginx.conf", "-e", "logs/error"], { stdio: "inherit" });
  for (let tries = 0; tries < 100 && (await fetch(url).catch(() => null)) === null; tries++)
    await new Promise((resolve) => setTimeout(resolve, 50));
}, 30_000);
afterAll(() => {
  nginx?.kill("SIGTERM");
  if (haveNginx) rmSync(folder, { recursive: true, force: true });
});

function configuration(port: number): string {
  const example = readFileSync(packagePath("examples", "mirror", "nginx.conf"), "utf8")
    .replace("listen 80;", `listen 127.0.0.1:${port};`)
    .replace("/var/www/log", join(folder, "log"));
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
  const paths = temporary.map((name) => `${name}_temp_path ${join(folder, name)};`).join(" ");
  return `daemon off; user root; pid nginx.pid;
events { }
http { access_log off; ${paths}
${example}
}
`;
}

describe.skipIf(!haveNginx)("nginx on the folder of a mirror", () => {
  it.each([
    ["/checkpoint", "text/plain; charset=utf-8", "no-cache"],
    ["/tile/0/000.p/10", "application/octet-stream", "public, max-age=31536000, immutable"],
    ["/tile/entries/000.p/10", "application/octet-stream", "public, max-age=31536000, immutable"],
  ])("sends %s with the log's header fields", async (path, type, caching) => {
    const response = await fetch(url + path);
    const { headers } = response;
    expect([headers.get("content-type"), headers.get("cache-control")]).toEqual([type, caching]);
    expect([headers.get("access-control-allow-origin"), headers.get("x-content-type-options")]).toEqual([
      "*",
      "nosniff",
    ]);
    expect(Buffer.from(await response.arrayBuffer())).toEqual(Buffer.from(served.get(path.slice(1))!));
  });

  it("sends attachments as JSON, and the checkpoints that were seen as text", async () => {
    const response = await fetch(`${url}/v1/attachments/sha256/${honest.attachment}`);
    expect([response.status, response.headers.get("content-type")]).toEqual([200, "application/json"]);
  });

  it("sends entry bundles compressed to those who accept it", async () => {
    const form = async (coding: string) => {
      const { headers } = await fetch(`${url}/tile/entries/000.p/10`, {
        headers: { "accept-encoding": coding },
      });
      return [headers.get("content-encoding"), headers.get("vary")];
    };
    expect(await form("gzip")).toEqual(["gzip", "Accept-Encoding"]);
    expect(await form("identity")).toEqual([null, "Accept-Encoding"]);
  });

  it.each([
    "/",
    "/mirror.json",
    "/.lock",
    "/tile/0/001",
    "/tile/0/000.p",
    "/tile/entries/000.p/10.gz",
    "/tile/0/",
  ])("has nothing at %s, and nobody caches that", async (path) => {
    const { status, headers } = await fetch(url + path, { redirect: "manual" });
    expect([status, headers.get("cache-control")]).toEqual([404, "no-store"]);
  });

  it("refuses to be written to", async () => {
    expect((await fetch(`${url}/checkpoint`, { method: "POST", body: "x" })).ok).toBe(false);
  });

  it("is a log that an auditor finds nothing wrong with", async () => {
    const through: typeof fetch = (input) => fetch(String(input).replace(PREFIX, url));
    expect((await auditServed(served, honest.trust, { fetch: through })).findings).toEqual([]);
  });
});
