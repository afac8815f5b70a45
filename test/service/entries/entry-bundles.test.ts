// Bundles of a log of large entries are made once, too: anybody may ask for one, again and again.
import { randomBytes } from "node:crypto";
import { expect, test, vi } from "vitest";
import { EntryBundles } from "../../../src/service/entries/entry-bundles.ts";

test.each([
  ["partial", 255],
  ["full", 256],
])("a %s bundle that compresses to 1.5 MiB is kept in either form", async (_, width) => {
  const entries = new Uint8Array(randomBytes(1.5 * 1024 * 1024));
  const entryBundle = vi.fn(async () => entries);
  const bundles = new EntryBundles({ entryBundle, tile: vi.fn() }, null);
  const first = await bundles.get(0, width);
  const second = await bundles.get(0, width);
  expect(second).toBe(first);
  expect(await bundles.plain(second!)).toBe(await bundles.plain(first!));
  expect(entryBundle).toHaveBeenCalledOnce();
});
