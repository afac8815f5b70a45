// The file of the index, held against the definition: its roots, what it says of every key, what it keeps and forgets, and what it notices.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Sqlite from "better-sqlite3";
import * as fc from "fast-check";
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { IndexFile } from "../../../src/log/index/index-file.ts";
import { PARTS } from "../../../src/log/index/staged-keys.ts";
import { decodeHex, encodeHex } from "../../../src/protocol/encoding/hex.ts";
import type { Envelope } from "../../../src/protocol/envelope/dsse.ts";
import { verifyLookupProof } from "../../../src/protocol/lookup/prefix-tree.ts";
import { FoundedLog } from "../../support/founded-log.ts";
import { entriesByKey, indexRootOf } from "../../support/index-of.ts";

const ALL = Number.MAX_SAFE_INTEGER;
const TREE_ROOT = new Uint8Array(32).fill(7);

let envelopes: readonly Envelope[];
let folder: string;
const open: IndexFile[] = [];

beforeAll(async () => {
  const log = await FoundedLog.found();
  for (const version of ["1.0", "1.1"]) await log.publishPolicy(await log.publishRelease(version));
  await log.publishStatus();
  envelopes = log.envelopes;
});
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "touchstone-index-"));
});
afterEach(() => {
  closeAll();
  rmSync(folder, { recursive: true, force: true });
});

const path = () => join(folder, "index.db");
function openFile(): IndexFile {
  const file = IndexFile.open(path());
  open.push(file);
  return file;
}
function closeAll(): void {
  for (const file of open.splice(0)) file.close();
}
const leaves = (from: number, to: number) => envelopes.slice(from, to).map(({ leaf }) => leaf);
const add = (file: IndexFile, from: number, to: number, markEnd = false) =>
  file.add(leaves(from, to), TREE_ROOT, 0, markEnd);
/** @returns how many are staged now. */
function stageUpTo(file: IndexFile, from: number, to: number): number {
  const end = Math.min(to, envelopes.length);
  if (end > from) file.stage(from, leaves(from, end));
  return end;
}
function build(file: IndexFile, size: number) {
  for (let part = 0; part < PARTS; part++) while (file.buildSome(part, size));
  return file.endBuilding(size, TREE_ROOT);
}
const rootAt = (size: number) => indexRootOf(envelopes.slice(0, size));

/** Everything that a file says at a size, held against the definition. */
function expectTrue(file: IndexFile, size: number, limit = ALL): void {
  const root = decodeHex(rootAt(size));
  const entries = entriesByKey(envelopes);
  const below = entriesByKey(envelopes.slice(0, size));
  for (const name of [...entries.keys(), "00".repeat(32), "ff".repeat(32)]) {
    const key = decodeHex(name);
    const { indices, before, proof } = file.find(key, size, limit);
    expect(indices).toEqual((below.get(name) ?? []).slice(-limit));
    verifyLookupProof({ key, indices, before, root }, proof);
  }
}

describe("the file of the index", () => {
  it("has the root of the definition after each entry, however many come at once", () => {
    const file = openFile();
    for (const [i] of envelopes.entries()) {
      expect(encodeHex(add(file, i, i + 1).root)).toBe(rootAt(i + 1));
    }
    closeAll();
    rmSync(path());
    const other = openFile();
    expect(encodeHex(add(other, 0, envelopes.length).root)).toBe(rootAt(envelopes.length));
  });

  it("is the same when it was built at once, and goes on from there", () => {
    const steps = fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(steps, (counts) => {
        const file = openFile();
        const built = counts.reduce((from, count) => stageUpTo(file, from, from + count), 0);
        expect(encodeHex(build(file, built).root)).toBe(rootAt(built));
        file.check();
        const { length } = envelopes;
        add(file, built, length, true);
        expectTrue(file, length);
        expect(countOf("staged")).toBe(0);
        closeAll();
        rmSync(path());
      }),
      { numRuns: 8 },
    );
  });

  it("says nothing before it was built to its end, and is not added to", () => {
    const file = openFile();
    stageUpTo(file, 0, 6);
    expect(file.state.size).toBe(0);
    // What another building left is no part of this one.
    stageUpTo(file, 0, 4);
    for (let part = 0; part < PARTS / 2; part++) while (file.buildSome(part, 4));
    closeAll();
    const again = openFile();
    expect(again.state.size).toBe(0);
    const damaged = expect.objectContaining({ name: "IndexDamagedError" });
    expect(() => stageUpTo(again, 0, 4)).toThrow(damaged);
    expect(() => add(again, 0, 4)).toThrow(damaged);
  });

  it("says of every key which entries it has, and proves it, also of keys that have none", () => {
    const file = openFile();
    add(file, 0, envelopes.length, true);
    expectTrue(file, envelopes.length);
    expectTrue(file, envelopes.length, 1);
  });

  it("shows what it was at every size that was marked, while it goes on, and until it is unmarked", () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ step: fc.integer({ min: 1, max: 4 }), mark: fc.boolean(), drop: fc.boolean() })),
        (moves) => {
          const file = openFile();
          let size = 0;
          const marked: number[] = [];
          for (const { step, mark, drop } of moves) {
            const next = Math.min(envelopes.length, size + step);
            if (next > size) add(file, size, next, mark);
            if (next > size && mark) marked.push(next);
            size = next;
            if (drop && marked.length > 1) file.unmark(marked.splice(0, 1));
            for (const one of marked) expectTrue(file, one);
          }
          expect(file.state.marks.map((one) => one.size)).toEqual(marked);
          file.unmark(marked);
          closeAll();
          expect(countOf("retired")).toBe(0);
          expect(countOf("pages")).toBe(new Set(namesOfPages()).size);
          rmSync(path());
        },
      ),
      { numRuns: 8 },
    );
  });

  it("marks the size of each status that states an index, where it is not below the one that is served", async () => {
    const log = await FoundedLog.found({ index: true });
    const stated: number[] = [];
    for (const version of ["1.0", "1.1", "1.2"]) {
      await log.publishRelease(version);
      const size = log.envelopes.length;
      stated.push(size);
      await log.publishStatus({ index: { size, root: indexRootOf(log.envelopes) } });
    }
    const all = log.envelopes.map(({ leaf }) => leaf);
    const { marks } = openFile().add(all, TREE_ROOT, stated[1] as number, false);
    expect(marks.map(({ size }) => size)).toEqual(stated.slice(1));
    expect(marks.map(({ root }) => encodeHex(root))).toEqual(
      stated.slice(1).map((size) => indexRootOf(log.envelopes.slice(0, size))),
    );
  });

  it("draws a root with entries that may never come, and keeps nothing of them", () => {
    const file = openFile();
    add(file, 0, 5);
    const before = file.state;
    expect(encodeHex(file.rootWith(5, leaves(5, 9)))).toBe(rootAt(9));
    expect(file.state).toEqual(before);
    for (const other of [0, 4, 6])
      expect(() => file.rootWith(other, leaves(5, 9))).toThrow(`covers 5 entries, not ${other}`);
    expect(encodeHex(add(file, 5, 7).root)).toBe(rootAt(7));
  });

  it("is there again after it was closed", () => {
    const file = openFile();
    const state = add(file, 0, 6, true);
    closeAll();
    const again = openFile();
    expect(again.state).toEqual(state);
    expectTrue(again, 6);
    again.check();
  });

  it("keeps long lists of entries in parts, of which the newest are proven without the others", () => {
    const [first] = envelopes as [Envelope];
    const file = openFile();
    for (let size = 0; size < 600; size += 200)
      file.add(new Array(200).fill(first.leaf), TREE_ROOT, 0, size === 400);
    const { root } = file.state;
    const [name] = entriesByKey([first]).keys();
    const key = decodeHex(name as string);
    for (const limit of [1, 88, 89, 256, 344, 345, 512, 599, 600, 1000]) {
      const { indices, before, proof } = file.find(key, 600, limit);
      expect(indices).toHaveLength(Math.min(limit, 600));
      expect(indices.at(-1)).toBe(599);
      expect(before === null).toBe(limit >= 600);
      verifyLookupProof({ key, indices, before, root }, proof);
    }
  });
});

describe("a file that is not as it was written", () => {
  const damage = (sql: string) => {
    closeAll();
    const database = new Sqlite(path());
    database.function("flipped", (bytes: unknown) => {
      const copy = Buffer.from(bytes as Buffer);
      copy[copy.length >> 1]! ^= 1;
      return copy;
    });
    database.exec(sql);
    database.close();
  };

  it.each([
    ["the page on top", "UPDATE pages SET page = flipped(page) WHERE prefix = ''"],
    ["every page", "UPDATE pages SET page = flipped(page)"],
    ["every list", "UPDATE lists SET list = flipped(list)"],
    ["the state", "UPDATE state SET roots = flipped(roots)"],
    ["the size in the state", "UPDATE state SET size = 5"],
    ["a mark", "UPDATE marks SET root = flipped(root)"],
    ["the size of a mark", "UPDATE marks SET size = 5"],
    ["pages in each other's places", "UPDATE pages SET page = (SELECT max(page) FROM pages)"],
    ["lists in each other's places", "UPDATE lists SET list = (SELECT max(list) FROM lists)"],
    [
      "the top page is an older one",
      "DELETE FROM pages WHERE prefix = '' AND since = (SELECT max(since) FROM pages)",
    ],
    ["the pages are gone", "DELETE FROM pages"],
  ])("is noticed before anything is made of it: %s", (_what, sql) => {
    const file = openFile();
    add(file, 0, 6, true);
    add(file, 6, 7);
    damage(sql);
    expect(() => {
      const damaged = openFile();
      damaged.state.size;
      damaged.rootWith(7, leaves(7, envelopes.length));
      damaged.find(decodeHex([...entriesByKey(envelopes).keys()][0] as string), 6, ALL);
      damaged.check();
    }).toThrow(expect.objectContaining({ name: "IndexDamagedError" }));
  });

  it("is noticed in what waits to be built", () => {
    const file = openFile();
    stageUpTo(file, 0, 6);
    damage("UPDATE staged SET additions = flipped(additions)");
    expect(() => build(openFile(), 6)).toThrow(expect.objectContaining({ name: "IndexDamagedError" }));
  });

  it.each([
    ["of another version", "PRAGMA user_version = 99"],
    ["without one of its tables", "DROP TABLE lists"],
    ["without the table of what waits", "DROP TABLE staged"],
  ])("is made anew: %s", (_what, sql) => {
    add(openFile(), 0, 6, true);
    damage(sql);
    expect(openFile().state).toMatchObject({ size: 0, marks: [] });
  });

  it("is refused where it is something else, and stays as it is", () => {
    const other = new Sqlite(path());
    other.exec("CREATE TABLE notes (text TEXT)");
    other.close();
    expect(() => openFile()).toThrow(/index\.db is not the index of a log/);
    rmSync(path());
    writeFileSync(path(), "dear diary, ".repeat(100));
    expect(() => openFile()).toThrow(/index\.db is not the index of a log/);
  });

  it("is refused while another process has it", () => {
    openFile();
    expect(() => openFile()).toThrow(/is in use by another process/);
  });

  it("is refused where it cannot be made", () => {
    expect(() => IndexFile.open(join(folder, "missing", "index.db"))).toThrow(/index\.db cannot be opened: /);
  });

  it("is made in place of an empty one", () => {
    writeFileSync(path(), "");
    expect(openFile().state.size).toBe(0);
  });
});

function read<T>(sql: string): T[] {
  const database = new Sqlite(path(), { readonly: true });
  try {
    return database.prepare<[], T>(sql).pluck().all();
  } finally {
    database.close();
  }
}
const countOf = (table: string) => read<number>(`SELECT count(*) FROM ${table}`)[0];
const namesOfPages = () => read<string>("SELECT prefix FROM pages");
