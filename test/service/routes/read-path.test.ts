// The read path as a tlog-tiles client sees it (C2SP tlog-tiles), and that a stranger can rebuild the tree from it.
import { gunzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CompactRange } from "../../../src/protocol/merkle/compact-range.ts";
import { hashLeaf } from "../../../src/protocol/merkle/hash.ts";
import { parseEntryBundle } from "../../../src/protocol/merkle/tile.ts";
import { parseCheckpoint } from "../../../src/protocol/note/checkpoint.ts";
import { parseNote } from "../../../src/protocol/note/signed-note.ts";
import { refusalOf, ServiceHarness } from "../../support/service-harness.ts";
import { signPlatforms } from "../../support/signing.ts";

const IMMUTABLE = "public, max-age=31536000, immutable";
let service: ServiceHarness;
let size: number;

beforeAll(async () => {
  service = await ServiceHarness.start();
  await service.log.publish(await signPlatforms(service.keys, "p", 300));
  size = service.log.read.published()?.checkpoint.size ?? 0;
});
afterAll(() => service.stop());

const bytesOf = async (path: string) => new Uint8Array(await (await service.get(path)).arrayBuffer());

test("the checkpoint is text, and caches ask again each time", async () => {
  const response = await service.get("/checkpoint");
  expect(response.headers.get("content-type")).toBe("text/plain; charset=utf-8");
  expect(response.headers.get("cache-control")).toBe("no-cache");
  expect(parseCheckpoint(parseNote(await response.text()).text).size).toBe(size);
});

describe("tiles and entry bundles", () => {
  test.each([
    ["/tile/0/000", 8192],
    ["/tile/0/001.p/46", 46 * 32],
    ["/tile/1/000.p/1", 32],
    ["/tile/0/000.p/1", 32],
    ["/tile/0/000.p/255", 255 * 32],
  ])("%s is %i bytes, immutable, and readable from any page", async (path, length) => {
    for (const _ of ["read from the store", "read from memory"]) {
      const response = await service.get(path);
      expect([response.status, response.headers.get("content-type")]).toEqual([
        200,
        "application/octet-stream",
      ]);
      expect(response.headers.get("cache-control")).toBe(IMMUTABLE);
      expect(response.headers.get("access-control-allow-origin")).toBe("*");
      expect((await response.arrayBuffer()).byteLength).toBe(length);
    }
  });

  test.each([
    "/tile/0/001",
    "/tile/0/001.p/47",
    "/tile/0/001.p/255",
    "/tile/0/002.p/1",
    "/tile/1/000",
    "/tile/1/000.p/2",
    "/tile/2/000.p/1",
    "/tile/63/000",
    "/tile/7/x999/999",
    "/tile/entries/001",
    "/tile/entries/001.p/47",
    "/tile/0/x9007199254/740/991",
  ])("%s is wider than the tree: 404, and nothing caches that", async (path) => {
    const response = await service.get(path);
    expect(response.headers.get("cache-control")).toBe("no-store");
    expect(response.headers.get("content-encoding")).toBeNull();
    expect((await refusalOf(response)).slice(0, 3)).toBe("404");
  });

  test.each([
    "/tile/0/0",
    "/tile/00/000",
    "/tile/0/000.p/0",
    "/tile/0/000.p/256",
    "/tile/0/000.p/01",
    "/tile/64/000",
    "/tile/0/x000/000",
    "/tile/entries/000/",
    "/tile/0/-01",
    "/tile/0/%30%30%30/",
    "/tile/",
  ])("%s is the path of no tile: 404", async (path) => {
    expect(await refusalOf(await service.get(path))).toMatch(/^404/);
  });

  test("another method is 405, and says which are allowed", async () => {
    const response = await service.app.request("/tile/0/000", { method: "POST" });
    expect(response.headers.get("allow")).toBe("GET, HEAD");
    expect(await refusalOf(response)).toBe("405 method-not-allowed");
  });

  test("HEAD answers as GET without a body", async () => {
    const response = await service.app.request("/tile/0/000", { method: "HEAD" });
    expect([response.status, response.headers.get("cache-control"), await response.text()]).toEqual([
      200,
      IMMUTABLE,
      "",
    ]);
  });
});

describe("an entry bundle is sent", () => {
  const get = (headers: Record<string, string>, path = "/tile/entries/001.p/46") =>
    service.get(path, headers);
  const plain = async () => new Uint8Array(await (await get({})).arrayBuffer());

  test.each(["gzip", "gzip, deflate, br", "br;q=1.0, gzip;q=0.2", "*", "x-other, GZIP"])(
    "compressed to a client that accepts %j",
    async (accept) => {
      const response = await get({ "accept-encoding": accept });
      expect(response.headers.get("content-encoding")).toBe("gzip");
      expect(response.headers.get("cache-control")).toBe(IMMUTABLE);
      expect(response.headers.get("vary")).toBe("accept-encoding");
      expect(new Uint8Array(gunzipSync(await response.arrayBuffer()))).toEqual(await plain());
    },
  );

  test.each(["gzip;q=0", "identity", "br, gzip;q=0", "deflate", "", "*;q=0"])(
    "plain to a client that accepts %j",
    async (accept) => {
      const response = await get({ "accept-encoding": accept });
      expect(response.headers.get("content-encoding")).toBeNull();
      expect(response.headers.get("vary")).toBe("accept-encoding");
      expect(parseEntryBundle(new Uint8Array(await response.arrayBuffer()), 46)).toHaveLength(46);
    },
  );

  test("with an entity tag for each form, which a client that has it gets a 304 for", async () => {
    const tags = await Promise.all(
      ["gzip", "identity"].map(async (coding) => {
        const etag = (await get({ "accept-encoding": coding })).headers.get("etag") ?? "";
        const again = await get({ "accept-encoding": coding, "if-none-match": etag });
        expect([again.status, again.headers.get("etag"), again.headers.get("content-encoding")]).toEqual([
          304,
          etag,
          null,
        ]);
        return etag;
      }),
    );
    expect(new Set(tags).size).toBe(2);
    expect((await get({ "accept-encoding": "gzip", "if-none-match": tags[1]! })).status).toBe(200);
  });

  test("while a tile is never compressed: hashes do not get smaller", async () => {
    const response = await get({ "accept-encoding": "gzip" }, "/tile/0/000");
    expect([response.headers.get("content-encoding"), response.headers.get("vary")]).toEqual([null, null]);
  });
});

test("a stranger who reads only tiles and bundles finds the root of the checkpoint", async () => {
  const checkpoint = parseCheckpoint(parseNote(await (await service.get("/checkpoint")).text()).text);
  const range = new CompactRange();
  const entries = [
    ...parseEntryBundle(await bytesOf("/tile/entries/000"), 256),
    ...parseEntryBundle(await bytesOf(`/tile/entries/001.p/${size - 256}`), size - 256),
  ];
  for (const entry of entries) range.append(hashLeaf(entry));
  expect(range.root()).toEqual(checkpoint.root);
  const level0 = Buffer.concat([await bytesOf("/tile/0/000"), await bytesOf(`/tile/0/001.p/${size - 256}`)]);
  expect(level0).toEqual(Buffer.concat(entries.map((entry) => hashLeaf(entry))));
});
