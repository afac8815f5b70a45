// What follows the log with its index, over a made-up store: how far it goes, whom it lets wait, what it keeps, and what it does about faults.
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Sqlite from "better-sqlite3";
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { type IndexedLog, LogIndex } from "../../../src/log/index/log-index.ts";
import type { LogReader } from "../../../src/log/store/log-store.ts";
import { decodeHex, encodeHex } from "../../../src/protocol/encoding/hex.ts";
import type { Envelope } from "../../../src/protocol/envelope/dsse.ts";
import { type InForce, NOTHING_IN_FORCE } from "../../../src/protocol/registration/in-force.ts";
import { FoundedLog } from "../../support/founded-log.ts";
import { entriesByKey, indexRootOf } from "../../support/index-of.ts";
import { signPlatforms } from "../../support/signing.ts";

let envelopes: Envelope[];
let folder: string;
let size: number;
let published: number;
let checkpoints: number[];
let status: InForce["status"];
let issues: boolean;
let failure: Error | null;
const errors = vi.fn();
const open: LogIndex[] = [];

beforeAll(async () => {
  const log = await FoundedLog.found({ index: true });
  envelopes = [...log.envelopes, ...(await signPlatforms(log.keys, "vm", 120))];
});
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "touchstone-follow-"));
  [size, published, checkpoints, status, issues, failure] = [0, 0, [], null, true, null];
  errors.mockClear();
});
afterEach(async () => {
  for (const index of open.splice(0)) await index.close();
  rmSync(folder, { recursive: true, force: true });
});

const path = () => join(folder, "index.db");
const leafAt = (i: number) => (envelopes[i % envelopes.length] as Envelope).leaf;
function inForceAt(at: number): InForce {
  const { root } = { root: { index: true } } as unknown as InForce["trustRoots"][number];
  return { ...NOTHING_IN_FORCE, size: at, status, trustRoots: [{ index: 0, digest: "", root }] };
}
function follow(file = path()): LogIndex {
  const store = {
    readLeaves: async (from: number, to: number) => {
      if (failure !== null) throw failure;
      return Array.from({ length: to - from }, (_, i) => leafAt(from + i));
    },
    checkpointsFrom: async (from: number) =>
      checkpoints.filter((one) => one >= from).map((one) => ({ size: one, cosignedAt: 0, note: "" })),
  } as unknown as LogReader;
  const log: IndexedLog = {
    store,
    rootAt: async (at) => new Uint8Array(32).fill(at % 251),
    registered: () => inForceAt(size),
    published: () => inForceAt(published),
    issues: () => issues,
    logger: { info: () => undefined, warn: () => undefined, error: errors },
  };
  const index = new LogIndex({ file, ahead: false }, log);
  open.push(index);
  return index;
}
const settled = (index: LogIndex, at: number) => expect.poll(() => index.size, { timeout: 60_000 }).toBe(at);
const state = (at: number, indexRoot = indexRootOf(envelopes.slice(0, at))) => ({
  index: at,
  digest: "",
  sequence: 1,
  treeSize: at,
  indexRoot,
});

describe("a status that is due", () => {
  it("waits until the index covers the log, and gets the root over it and its batch", async () => {
    size = 40;
    const root = await follow().rootWith(40, [leafAt(40), leafAt(41)]);
    expect(encodeHex(root!)).toBe(indexRootOf(envelopes.slice(0, 42)));
  });

  it("is refused where the index has gone on: its root would be over other entries than the status says", async () => {
    size = 42;
    const index = follow();
    await index.reach(42);
    await expect(index.rootWith(40, [leafAt(40)])).rejects.toThrow("covers 42 entries, not 40");
    expect(encodeHex((await index.rootWith(42, [leafAt(42)]))!)).toBe(indexRootOf(envelopes.slice(0, 43)));
  });

  it("is not waited for where the index is thousands of entries behind, and comes when it has caught up", async () => {
    size = 4097;
    const index = follow();
    expect(await index.rootWith(size, [])).toBeNull();
    await settled(index, size);
    expect(await index.rootWith(size, [])).not.toBeNull();
  }, 60_000);

  it("does not come while the store cannot be read, which is said once, and comes after that", async () => {
    size = 10;
    failure = new Error("input/output error");
    const index = follow();
    expect(await index.rootWith(10, [])).toBeNull();
    expect(await index.rootWith(10, [])).toBeNull();
    expect(errors).toHaveBeenCalledTimes(1);
    failure = null;
    expect(await index.rootWith(10, [])).not.toBeNull();
  });

  it("is not drawn from a damaged file, which is built again for the next one", async () => {
    size = 30;
    const index = follow();
    await index.rootWith(30, []);
    const database = new Sqlite(path());
    database.exec("UPDATE pages SET page = zeroblob(length(page))");
    database.close();
    await expect(index.rootWith(30, [leafAt(30)])).rejects.toMatchObject({ name: "IndexDamagedError" });
    const root = await index.rootWith(30, [leafAt(30)]);
    expect(encodeHex(root!)).toBe(indexRootOf(envelopes.slice(0, 31)));
  });
});

describe("sizes at which people may draft a status", () => {
  beforeEach(() => {
    issues = false;
  });

  it("are the newest 32 that were published, and no others", async () => {
    const index = follow();
    for (size = 2; size <= 80; size += 2) {
      published = size;
      checkpoints.push(size);
      index.wake();
      await settled(index, size);
    }
    await expect.poll(() => index.rootAt(2)).toBeUndefined();
    const kept = checkpoints.filter((one) => index.rootAt(one) !== undefined);
    expect(kept).toEqual(checkpoints.slice(-32));
    for (const one of kept) expect(index.rootAt(one)).toBe(indexRootOf(envelopes.slice(0, one)));
    expect(index.rootAt(79)).toBeUndefined();
    expect(index.rootAt(99)).toBeUndefined();
  }, 60_000);

  it("are not beyond what is published, though more is durable", async () => {
    [size, published] = [20, 12];
    checkpoints = [12];
    const index = follow();
    index.wake();
    await settled(index, 12);
    expect(await index.reach(20)).toBe(false);
    expect(index.size).toBe(12);
  });

  it("are answered by asking to come back before the index is there", () => {
    [size, published] = [20, 12];
    expect(() => follow().rootAt(12)).toThrow(expect.objectContaining({ code: "index-not-ready" }));
  });
});

describe("what is served", () => {
  const find = (index: LogIndex, name: string, at: number) =>
    index.find(decodeHex(name), { size: at, root: indexRootOf(envelopes.slice(0, at)) }, 1000);

  it("stays readable for those who began before the next status was published", async () => {
    const index = follow();
    const [name] = [...entriesByKey(envelopes)].find(([, found]) => found.length > 100)!;
    for (const at of [20, 50, 80]) {
      [size, published, status] = [at + 5, at + 5, state(at)];
      index.wake();
      await settled(index, at + 5);
      expect((await find(index, name, at)).indices).toHaveLength(
        entriesByKey(envelopes.slice(0, at)).get(name)!.length,
      );
    }
    await expect.poll(() => find(index, name, 20).catch(({ code }) => code)).toBe("index-not-ready");
    expect((await find(index, name, 50)).indices.at(-1)).toBe(49);
  });

  it("is not answered where the status states another root than follows", async () => {
    [size, published, status] = [25, 25, state(20, "ab".repeat(32))];
    const index = follow();
    index.wake();
    await settled(index, 25);
    const stated = { size: 20, root: "ab".repeat(32) };
    await expect(index.find(new Uint8Array(32), stated, 9)).rejects.toMatchObject({
      code: "index-not-ready",
    });
  });

  it("is built again up to a status whose size the file has passed", async () => {
    [size, published] = [60, 60];
    const index = follow();
    index.wake();
    await settled(index, 60);
    [size, published, status] = [61, 61, state(33)];
    index.wake();
    await settled(index, 61);
    const [name] = entriesByKey(envelopes.slice(0, 33)).keys();
    await expect(find(index, name!, 33)).resolves.toMatchObject({ before: null });
  });
});

describe("the index of a long log", () => {
  const LONG = 4_200;
  beforeEach(() => {
    [size, published, checkpoints] = [LONG + 5, LONG, [LONG]];
    const all = Array.from({ length: LONG }, (_, i) => envelopes[i % envelopes.length] as Envelope);
    status = state(LONG, indexRootOf(all));
  });

  it("is built at once up to the size that is served, and follows the log from there", async () => {
    const index = follow();
    await index.start();
    await settled(index, LONG + 5);
    for (const [name, indices] of entriesByKey(envelopes.slice(0, 1))) {
      const found = await index.find(decodeHex(name), { size: LONG, root: status?.indexRoot as string }, 2);
      expect(found.indices.at(-1)).toBeLessThan(LONG);
      expect(indices).toEqual([0]);
    }
    expect(errors).not.toHaveBeenCalled();
  }, 120_000);

  it("is built at once up to its end where nobody may ask about less", async () => {
    status = null;
    const index = follow();
    await index.start();
    await settled(index, LONG + 5);
    expect(countOfPages()).toBe(new Set(namesOfPages()).size);
    const root = await index.rootWith(LONG + 5, [leafAt(LONG + 5)]);
    const all = Array.from({ length: LONG + 6 }, (_, i) => envelopes[i % envelopes.length] as Envelope);
    expect(encodeHex(root as Uint8Array)).toBe(indexRootOf(all));
  }, 120_000);

  it("has no commit wait for it, though a status in that states a small size", async () => {
    const index = follow();
    await index.start();
    await expect.poll(() => countOfPages(), { timeout: 30_000 }).toBeGreaterThan(0);
    expect(await index.reach(5)).toBe(false);
    expect(index.size).toBe(0);
    await settled(index, LONG + 5);
    expect(await index.reach(5)).toBe(true);
  }, 120_000);

  it("is built anew where the process ended while it was built", async () => {
    const first = follow();
    await first.start();
    await expect.poll(() => countOfPages(), { timeout: 30_000 }).toBeGreaterThan(0);
    await first.close();
    expect(first.size).toBe(0);
    const second = follow();
    await second.start();
    await settled(second, LONG + 5);
  }, 120_000);
});

const countOfPages = () => namesOfPages().length;
function namesOfPages(): string[] {
  const database = new Sqlite(path(), { readonly: true });
  try {
    return database.prepare<[], string>("SELECT prefix FROM pages").pluck().all();
  } finally {
    database.close();
  }
}

it("takes up the file where it was, forgets what is not served any more, and does not grow without entries", async () => {
  [size, published, status] = [100, 100, state(90)];
  const first = follow();
  first.wake();
  await settled(first, 100);
  await first.close();
  open.length = 0;
  const before = statSync(path()).size;
  const again = follow();
  await again.start();
  expect(again.size).toBe(100);
  await again.close();
  open.length = 0;
  expect(statSync(path()).size).toBe(before);
});
