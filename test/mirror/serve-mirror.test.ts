// The folder of a mirror over HTTP: header fields as the log itself sends them, and nothing but what is of the layout.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { type IncomingHttpHeaders, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openSource } from "../../src/auditor/log-source.ts";
import type { RunningServer } from "../../src/http/server.ts";
import { CopyTarget } from "../../src/mirror/copy-target.ts";
import { mirrorLog } from "../../src/mirror/mirror.ts";
import { serveMirror } from "../../src/mirror/serve-mirror.ts";
import { FolderStore } from "../../src/node/objects/folder-store.ts";
import { fetchFrom, type HonestLog, honestLog, PREFIX, type Served, serve } from "../auditor/served-log.ts";
import { NOW } from "../support/clock.ts";

const IMMUTABLE = "public, max-age=31536000, immutable";
let honest: HonestLog;
let served: Served;
let folder: string;
let server: RunningServer;

beforeAll(async () => {
  honest = await honestLog();
  served = await serve(honest.log);
  folder = mkdtempSync(join(tmpdir(), "touchstone-mirror-"));
  const read = openSource(PREFIX, { fetch: fetchFrom(served) });
  await mirrorLog({
    read,
    target: new CopyTarget(new FolderStore(folder, { gzip: true })),
    trust: honest.trust,
    now: NOW,
  });
  writeFileSync(join(folder, ".lock"), "");
  server = await serveMirror(folder, "127.0.0.1", 0);
});
afterAll(async () => {
  await server.stop();
  rmSync(folder, { recursive: true });
});

interface Got {
  readonly status: number | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** The path as it is: `fetch` would take the dots out of it. */
function get(path: string, headers: Record<string, string> = {}, method = "GET"): Promise<Got> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(server.address);
    request({ hostname, port, path, method, headers }, (response) => {
      const pieces: Buffer[] = [];
      response.on("data", (piece: Buffer) => pieces.push(piece));
      response.on("end", () =>
        resolve({ status: response.statusCode, headers: response.headers, body: Buffer.concat(pieces) }),
      );
    })
      .on("error", reject)
      .end();
  });
}

describe("a served mirror", () => {
  it.each([
    ["checkpoint", "text/plain; charset=utf-8", "no-cache"],
    ["tile/0/000.p/10", "application/octet-stream", IMMUTABLE],
    ["tile/entries/000.p/10", "application/octet-stream", IMMUTABLE],
  ])("answers /%s as the log does", async (path, type, caching) => {
    const { status, headers, body } = await get(`/${path}`);
    expect([status, headers["content-type"], headers["cache-control"]]).toEqual([200, type, caching]);
    expect(headers["access-control-allow-origin"]).toBe("*");
    expect(body).toEqual(Buffer.from(served.get(path)!));
    expect(await get(`/${path}`, { "if-none-match": headers.etag! })).toMatchObject({ status: 304 });
    const head = await get(`/${path}`, {}, "HEAD");
    expect([head.status, head.headers["content-length"], head.body.length]).toEqual([
      200,
      `${body.length}`,
      0,
    ]);
  });

  it("answers attachments", async () => {
    const { headers, body } = await get(`/v1/attachments/sha256/${honest.attachment}`);
    expect([headers["content-type"], headers["cache-control"]]).toEqual(["application/json", IMMUTABLE]);
    expect(body).toEqual(Buffer.from(honest.log.attachments.get(honest.attachment)!));
  });

  it("sends an entry bundle compressed to those who accept it, each form with its entity tag", async () => {
    const path = "/tile/entries/000.p/10";
    const zipped = await get(path, { "accept-encoding": "deflate, gzip" });
    const plain = await get(path, { "accept-encoding": "gzip;q=0" });
    expect([zipped.headers["content-encoding"], plain.headers["content-encoding"]]).toEqual([
      "gzip",
      undefined,
    ]);
    expect([zipped.headers.vary, plain.headers.vary]).toEqual(["accept-encoding", "accept-encoding"]);
    expect(gunzipSync(zipped.body)).toEqual(plain.body);
    expect(zipped.headers.etag).not.toBe(plain.headers.etag);
  });

  it.each([
    "/",
    "/mirror.json",
    "/.lock",
    "/tile/0/000",
    "/tile/0/000.p/10.gz",
    "/tile/entries/000.p/10.gz",
    "/tile/0",
    "/checkpoints/010",
    "/../../etc/passwd",
    "/tile/0/000.p/10?x=1",
    "/v1/attachments/sha256/..",
    "/%2e%2e/etc/passwd",
    "//etc/passwd",
  ])("has nothing at %s", async (path) => {
    const { status, headers } = await get(path);
    expect([status, headers["cache-control"]]).toEqual([404, "no-store"]);
  });

  it("takes no other method", async () => {
    const { status, headers } = await get("/checkpoint", {}, "POST");
    expect([status, headers.allow]).toEqual([405, "GET, HEAD"]);
  });

  it("can be mirrored and audited in its turn", async () => {
    const second = mkdtempSync(join(tmpdir(), "touchstone-mirror-"));
    const read = openSource(server.address, { fetch });
    const target = new CopyTarget(new FolderStore(second));
    expect(await mirrorLog({ read, target, trust: honest.trust, now: NOW })).toMatchObject({
      added: 10,
      missing: [],
    });
    rmSync(second, { recursive: true });
  });
});
