// What every store of objects must do, whatever it is made of.
import { describe, expect, it } from "vitest";
import {
  isKey,
  ObjectDiffersError,
  type ObjectMeta,
  ObjectMovedError,
  type ObjectStore,
} from "../../src/node/objects/object-store.ts";
import { utf8 } from "../../src/protocol/encoding/text.ts";

const PLAIN: ObjectMeta = { contentType: "text/plain", cacheControl: "no-cache", gzip: false };
const GZIP: ObjectMeta = { ...PLAIN, gzip: true };
const text = (bytes: Uint8Array | undefined) => bytes && Buffer.from(bytes).toString();

/** @param open gives one store for all tests: each takes keys of its own. */
export function describeObjectStore(name: string, open: () => ObjectStore): void {
  describe(`${name}, as a store of objects`, () => {
    const read = async (key: string) => text((await open().get(key))?.bytes);

    it("creates what is not there, and says so when it is there again", async () => {
      const store = open();
      expect(await store.putNew("new/a", utf8("one"), PLAIN)).toBe("created");
      expect(await store.putNew("new/a", utf8("one"), PLAIN)).toBe("same");
      await store.settle();
      expect(await read("new/a")).toBe("one");
      expect(await read("new/b")).toBeUndefined();
    });

    it("never overwrites what was put, and names what differs", async () => {
      const store = open();
      await store.putNew("keep/a", utf8("one"), PLAIN);
      await expect(store.putNew("keep/a", utf8("two"), PLAIN)).rejects.toThrow(ObjectDiffersError);
      await expect(store.putNew("keep/a", utf8("two"), PLAIN)).rejects.toThrow(/keep\/a has other bytes/);
      expect(await read("keep/a")).toBe("one");
    });

    it("gives back the bytes themselves of what it compresses, and knows them again", async () => {
      const store = open();
      const long = utf8("log ".repeat(20_000));
      expect(await store.putNew("gzip/a", long, GZIP)).toBe("created");
      expect(await store.putNew("gzip/a", long, GZIP)).toBe("same");
      await expect(store.putNew("gzip/a", utf8("short"), GZIP)).rejects.toThrow(ObjectDiffersError);
      expect((await store.get("gzip/a"))?.bytes.length).toBe(80_000);
    });

    it("lets one of many create the same object, and tells all others", async () => {
      const store = open();
      const all = Array.from({ length: 16 }, (_, i) => store.putNew("race/a", utf8(`writer ${i}`), PLAIN));
      const results = await Promise.allSettled(all);
      const winners = results.flatMap(({ status }, i) => (status === "fulfilled" ? [i] : []));
      expect(winners).toHaveLength(1);
      expect(await read("race/a")).toBe(`writer ${winners[0]}`);
      for (const result of results)
        if (result.status === "rejected") expect(result.reason).toBeInstanceOf(ObjectDiffersError);
    });

    it("replaces what was read, and nothing else", async () => {
      const store = open();
      const first = await store.replaceIf("swap/a", utf8("1"), null, PLAIN);
      await expect(store.replaceIf("swap/a", utf8("2"), null, PLAIN)).rejects.toThrow(ObjectMovedError);
      const second = await store.replaceIf("swap/a", utf8("2"), first, PLAIN);
      expect((await store.get("swap/a"))?.tag).toBe(second);
      await expect(store.replaceIf("swap/a", utf8("3"), first, PLAIN)).rejects.toThrow(ObjectMovedError);
      expect(await read("swap/a")).toBe("2");
    });

    it("replaces nothing that is gone", async () => {
      const store = open();
      const tag = await store.replaceIf("swap/gone", utf8("1"), null, PLAIN);
      await store.delete("swap/gone");
      await expect(store.replaceIf("swap/gone", utf8("2"), tag, PLAIN)).rejects.toThrow(ObjectMovedError);
      expect(await read("swap/gone")).toBeUndefined();
    });

    it("lets one of many replace the same object", async () => {
      const store = open();
      const tag = await store.replaceIf("race/b", utf8("before"), null, PLAIN);
      const all = Array.from({ length: 16 }, (_, i) => store.replaceIf("race/b", utf8(`${i}`), tag, PLAIN));
      const results = await Promise.allSettled(all);
      const winners = results.flatMap(({ status }, i) => (status === "fulfilled" ? [i] : []));
      expect(winners).toHaveLength(1);
      expect(await read("race/b")).toBe(String(winners[0]));
    });

    it("lists what is below a prefix, all pages of it, and when it was put", async () => {
      const store = open();
      const keys = Array.from({ length: 25 }, (_, i) => `list/${i % 2 === 0 ? "x" : "y/z"}/${i}`);
      for (const key of keys) await store.putNew(key, utf8(key), GZIP);
      const listed = await store.list("list/");
      expect(listed.map(({ key }) => key).sort()).toEqual([...keys].sort());
      expect((await store.list("list/y/")).length).toBe(12);
      expect(await store.list("nothing/")).toEqual([]);
      const age = Date.now() - (listed[0]?.modified.getTime() ?? 0);
      expect(Math.abs(age)).toBeLessThan(3_600_000);
    });

    it("removes an object, and removing it again is no fault", async () => {
      const store = open();
      await store.putNew("gone/a", utf8("one"), GZIP);
      await store.delete("gone/a");
      await store.delete("gone/a");
      expect(await read("gone/a")).toBeUndefined();
      expect(await store.list("gone/")).toEqual([]);
      await store.settle();
    });

    it.each(["", "/a", "a/", "a//b", "../a", "a/../b", "a/./b", "a b", "ä", "a?b", "a\0b"])(
      "refuses %j, which is no key",
      async (key) => {
        expect(isKey(key)).toBe(false);
        await expect(open().get(key)).rejects.toThrow(RangeError);
        await expect(open().putNew(key, utf8("x"), PLAIN)).rejects.toThrow(RangeError);
      },
    );
  });
}
