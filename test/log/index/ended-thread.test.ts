// The thread of the index ends, such as for want of memory: the index is opened again in another one, and goes on where it was.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { LogIndex } from "../../../src/log/index/log-index.ts";
import type { LogReader } from "../../../src/log/store/log-store.ts";
import { decodeHex } from "../../../src/protocol/encoding/hex.ts";
import type { InForce } from "../../../src/protocol/registration/in-force.ts";
import { FoundedLog } from "../../support/founded-log.ts";
import { entriesByKey, indexRootOf } from "../../support/index-of.ts";
import { endThread } from "../../support/known-threads.ts";

vi.mock(import("node:worker_threads"), async (original) =>
  (await import("../../support/known-threads.ts")).knownThreads(await original()),
);

let folder: string;
let index: LogIndex;
let log: FoundedLog;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "touchstone-ended-"));
  log = await FoundedLog.found({ index: true });
  await log.publishRelease();
  await log.publishStatus({ index: { size: log.envelopes.length, root: indexRootOf(log.envelopes) } });
  const registered = (): InForce => log.inForce;
  const store = {
    readLeaves: async (from: number, to: number) => log.envelopes.slice(from, to).map(({ leaf }) => leaf),
  } as unknown as LogReader;
  const rootAt = async (size: number) => new Uint8Array(32).fill(size);
  const logger = { info: () => undefined, warn: () => undefined, error: () => undefined };
  const config = { file: join(folder, "index.db"), ahead: false };
  index = new LogIndex(config, {
    store,
    rootAt,
    registered,
    published: registered,
    issues: () => true,
    logger,
  });
  await index.start();
  await index.reach(log.envelopes.length);
});
afterEach(async () => {
  await index.close();
  rmSync(folder, { recursive: true });
});

const stated = () => ({
  size: log.envelopes.length - 1,
  root: indexRootOf(log.envelopes.slice(0, log.envelopes.length - 1)),
});

it("is asked to come back, and answers then", async () => {
  const [[name, indices] = []] = entriesByKey(log.envelopes.slice(0, -1));
  await endThread();
  const find = () => index.find(decodeHex(name as string), stated(), 10);
  await expect(find()).rejects.toMatchObject({ code: "index-not-ready" });
  expect((await find()).indices).toEqual(indices);
});

it("draws the root of the next status but one", async () => {
  const { length } = log.envelopes;
  await endThread();
  await expect(index.rootWith(length, [])).rejects.toThrow("the thread has ended");
  expect(await index.rootWith(length, [])).toEqual(decodeHex(indexRootOf(log.envelopes)));
});

it("takes up what was committed meanwhile", async () => {
  await endThread();
  await log.publishRelease("2.0");
  await index.reach(log.envelopes.length);
  await log.publishRelease("3.0");
  expect(await index.reach(log.envelopes.length)).toBe(true);
  expect(index.size).toBe(log.envelopes.length);
});
