// What is expensive to read is made once, and by turns: the page at "/" and entry bundles, by any number of clients.
import { gunzipSync } from "node:zlib";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { oneATurn } from "../../src/service/http/one-a-turn.ts";
import { ServiceHarness } from "../support/service-harness.ts";
import { signPlatforms } from "../support/signing.ts";

let service: ServiceHarness;

beforeAll(async () => {
  service = await ServiceHarness.start();
  await service.publishPolicy();
  await service.log.publish(await signPlatforms(service.keys, "vm", 600));
});
afterAll(() => service.stop());

const page = async () => (await service.get("/")).text();

test("a hundred requests for the page render it once, and those of the next second once more", async () => {
  const searches = vi.spyOn(service.log.read, "search");
  // The page alone asks for images.
  const rendered = () => searches.mock.calls.filter(([{ kind }]) => kind === "os-image").length;
  const pages = await Promise.all(Array.from({ length: 100 }, page));
  expect(new Set(pages).size).toBe(1);
  expect(rendered()).toBe(1);
  const { now } = service.logHarness.clock;
  service.logHarness.clock.now = new Date(now.getTime() + 1000);
  await Promise.all(Array.from({ length: 100 }, page));
  expect(rendered()).toBe(2);
  service.logHarness.clock.now = now;
});

test("the page of a new checkpoint is a new one", async () => {
  const before = await page();
  await service.publish((await signPlatforms(service.keys, "newest", 1))[0]!);
  const after = await page();
  expect([before.includes("newest-0"), after.includes("newest-0")]).toEqual([false, true]);
});

test("entries that are shown again are neither read nor parsed again", async () => {
  const first = await service.log.read.readEntry(3);
  const reads = vi.spyOn(service.log.read, "entry");
  expect(await service.log.read.readEntry(3)).toBe(first);
  expect(reads).not.toHaveBeenCalled();
  expect(await service.log.read.readEntry(100_000)).toBeUndefined();
});

test("an entry bundle is assembled once for a crowd, full or partial, in either form", async () => {
  const assemblies = vi.spyOn(service.log.read, "entryBundle");
  const get = async (path: string, coding: string) => {
    const response = await service.get(`/tile/entries/${path}`, { "accept-encoding": coding });
    expect(response.headers.get("content-encoding")).toBe(coding === "gzip" ? "gzip" : null);
    return Buffer.from(await response.arrayBuffer());
  };
  for (const path of ["001", "002.p/5"]) {
    const zipped = await Promise.all(Array.from({ length: 20 }, () => get(path, "gzip")));
    const plain = await Promise.all(Array.from({ length: 20 }, () => get(path, "identity")));
    for (const bytes of zipped) expect(gunzipSync(bytes).equals(plain[0]!)).toBe(true);
  }
  expect(assemblies).toHaveBeenCalledTimes(2);
});

test("work that a crowd asks for leaves everybody else a turn between two pieces", async () => {
  const nextTurn = oneATurn();
  let turns = 0;
  let isOver = false;
  const count = () => {
    turns++;
    if (!isOver) setImmediate(count);
  };
  setImmediate(count);
  const begun: number[] = [];
  const crowd = Array.from({ length: 50 }, (_, i) =>
    nextTurn(async () => {
      begun.push(turns);
      if (i === 7) throw new Error("one of them fails");
    }),
  );
  const results = await Promise.allSettled(crowd);
  isOver = true;
  expect(results.filter(({ status }) => status === "rejected")).toHaveLength(1);
  expect(new Set(begun).size).toBe(50);
});
