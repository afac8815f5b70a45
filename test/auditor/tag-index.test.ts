// The index in memory by which an audit finds its records.
import { expect, it } from "vitest";
import { TagIndex } from "../../src/auditor/tag-index.ts";

it("finds every entry that has a tag, whatever others have", () => {
  const index = new TagIndex();
  const tagOf = (i: number) => (Math.imul(i, 0x9e3779b1) >>> 0) % 5000;
  for (let i = 0; i < 20_000; i++) index.add(tagOf(i), i);
  for (const tag of [0, 1, 77, 4999]) {
    const expected = Array.from({ length: 20_000 }, (_, i) => i).filter((i) => tagOf(i) === tag);
    expect(index.find(tag).sort((a, b) => a - b)).toEqual(expected);
  }
  expect(index.find(5000)).toEqual([]);
});

it("has room for the first and the last entry, and refuses one that it could not find again", () => {
  const index = new TagIndex();
  index.add(0xffffffff, 0);
  index.add(0xffffffff, 2 ** 32 - 2);
  expect(index.find(0xffffffff)).toEqual([0, 2 ** 32 - 2]);
  expect(() => index.add(1, 2 ** 32 - 1)).toThrow("beyond what an audit can remember");
});

it("takes at most 64 bytes an entry with its two tags, while it grows too", () => {
  const index = new TagIndex();
  let most = 0;
  for (let i = 0; i < 200_000; i++) {
    const before = index.bytes;
    index.add(Math.imul(2 * i, 0x9e3779b1) >>> 0, i);
    index.add(Math.imul(2 * i + 1, 0x9e3779b1) >>> 0, i);
    const peak = index.bytes === before ? before : before + index.bytes;
    if (i > 1000) most = Math.max(most, peak / (i + 1));
  }
  expect(most).toBeLessThanOrEqual(64.1);
});
