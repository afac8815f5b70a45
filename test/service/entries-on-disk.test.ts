// Compressed entry bundles in files beside the log: they survive a restart, are never believed, and never grow beyond their limit.
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { FileCache } from "../../src/node/file-cache.ts";
import { EntryBundles } from "../../src/service/entries/entry-bundles.ts";
import { ServiceHarness } from "../support/service-harness.ts";
import { signPlatforms } from "../support/signing.ts";

let service: ServiceHarness;
let folder: string;
beforeAll(async () => {
  service = await ServiceHarness.start();
  await service.log.publish(await signPlatforms(service.keys, "vm", 600));
});
afterAll(() => service.stop());
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "touchstone-bundles-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const MIB = 1024 * 1024;
const read = () => service.log.read;
/** What a service that starts now has in its hands. */
const opened = async (maxBytes = MIB) => new EntryBundles(read(), await FileCache.open(folder, maxBytes));
const plainOf = (index: number) => read().entryBundle(index, 256);

test("a full bundle is not made again after a restart, a partial one is", async () => {
  const before = await opened();
  const first = await before.get(1, 256);
  await before.get(2, 5);
  expect(readdirSync(folder)).toHaveLength(1);
  const after = await opened();
  const assemblies = vi.spyOn(read(), "entryBundle");
  const second = await after.get(1, 256);
  expect(Buffer.from(await after.plain(second!)).equals(await before.plain(first!))).toBe(true);
  expect(second!.etags).toEqual(first!.etags);
  expect(Buffer.from(second!.gzipped).equals(first!.gzipped)).toBe(true);
  expect(assemblies).not.toHaveBeenCalled();
  await after.get(2, 5);
  expect(assemblies).toHaveBeenCalledTimes(1);
  assemblies.mockRestore();
});

test.each([
  ["empty", () => new Uint8Array()],
  ["cut off", (bytes: Uint8Array) => bytes.subarray(0, bytes.length / 2)],
  ["zeros", (bytes: Uint8Array) => new Uint8Array(bytes.length)],
  [
    "with another last byte",
    (bytes: Uint8Array) => bytes.map((byte, i) => (i + 1 < bytes.length ? byte : byte ^ 1)),
  ],
  ["with another entity tag", (bytes: Uint8Array) => bytes.map((byte, i) => (i === 40 ? byte ^ 1 : byte))],
])("a file that a power cut left %s is made again", async (_, spoil) => {
  await (await opened()).get(0, 256);
  const [name = ""] = readdirSync(folder);
  const sound = readFileSync(join(folder, name));
  writeFileSync(join(folder, name), spoil(sound));
  const bundle = await (await opened()).get(0, 256);
  expect(gunzipSync(bundle!.gzipped).equals((await plainOf(0))!)).toBe(true);
  expect(readFileSync(join(folder, name)).equals(sound)).toBe(true);
});

test("what was not finished is removed, and the oldest file goes when there are too many bytes", async () => {
  writeFileSync(join(folder, "half.0a0b.tmp"), "x");
  const cache = await FileCache.open(folder, 250);
  expect(readdirSync(folder)).toEqual([]);
  for (const name of ["a", "b", "c"]) await cache.write(name, new Uint8Array(100));
  expect(readdirSync(folder).sort()).toEqual(["b", "c"]);
  await (await FileCache.open(folder, 250)).write("d", new Uint8Array(250));
  expect(readdirSync(folder)).toEqual(["d"]);
});

test("a folder that is gone is a cache that forgets", async () => {
  const bundles = await opened();
  rmSync(folder, { recursive: true });
  expect((await bundles.get(1, 256))?.gzipped.length).toBeGreaterThan(0);
  expect(await bundles.get(2, 256)).toBeUndefined();
  writeFileSync(folder, "a file stands in its place");
  expect((await (await opened()).get(1, 256))?.gzipped.length).toBeGreaterThan(0);
});
