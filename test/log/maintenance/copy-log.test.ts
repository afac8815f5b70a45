// A log that is copied into another store is the same log there, also when the copying was cut short, and never another one.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { HighWaterFile } from "../../../src/log/checkpointing/high-water.ts";
import { copyLog } from "../../../src/log/maintenance/copy-log.ts";
import { fsck } from "../../../src/log/maintenance/fsck.ts";
import type { LogReader, LogStore } from "../../../src/log/store/log-store.ts";
import { openSnapshot, openStore } from "../../../src/log/store/open-store.ts";
import type { TrustRoot } from "../../../src/protocol/entry/trust-root.ts";
import { NOW } from "../../support/clock.ts";
import { LogHarness } from "../../support/log-harness.ts";
import { signPlatforms } from "../../support/signing.ts";

let folder: string;
let harness: LogHarness;
const at = (name: string) => join(folder, name);

/** A log of so many platforms. */
async function foundLog(platforms: number, trustRoot: Partial<TrustRoot> = {}): Promise<LogHarness> {
  const made = await LogHarness.make({ withStatus: true, trustRoot });
  const log = await made.create();
  const entries = await signPlatforms(made.keys, "vm", platforms);
  for (let i = 0; i < entries.length; i += 200) await log.publish(entries.slice(i, i + 200));
  await log.close();
  return made;
}

/** What the copy has, after so many appends. */
function stoppingAfter(store: LogStore, appends: number): LogStore {
  let left = appends;
  return Object.assign(Object.create(store) as LogStore, {
    append: (...args: Parameters<LogStore["append"]>) => {
      if (left-- === 0) return Promise.reject(new Error("cut short"));
      return store.append(...args);
    },
    head: () => store.head(),
    readTile: (...args: Parameters<LogReader["readTile"]>) => store.readTile(...args),
    checkpointsFrom: (...args: Parameters<LogReader["checkpointsFrom"]>) => store.checkpointsFrom(...args),
    addCheckpoint: (...args: Parameters<LogStore["addCheckpoint"]>) => store.addCheckpoint(...args),
  });
}

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "touchstone-copy-"));
  harness = await foundLog(700);
});
afterEach(() => {
  harness.remove();
  rmSync(folder, { recursive: true });
});

it("a copy that was cut short goes on where it stopped, and is sound under the log's mark", async () => {
  const source = await openSnapshot(harness.databaseFile);
  const target = await openStore(at("copy.db"), NOW);
  await expect(copyLog(source, stoppingAfter(target, 1))).rejects.toThrow("cut short");
  expect((await target.head()).size).toBe(512);
  const seen: string[] = [];
  const head = await copyLog(source, target, (copied, entries) => seen.push(`${copied}/${entries}`));
  expect(seen).toEqual([`${head.size}/${head.size}`]);
  expect(await target.head()).toEqual(head);
  expect(await target.checkpointsFrom(0, 99)).toEqual(await source.checkpointsFrom(0, 99));
  expect(await copyLog(source, target)).toEqual(head);
  expect(await target.checkpointsFrom(0, 99)).toEqual(await source.checkpointsFrom(0, 99));
  await target.close();
  await source.close();
  const copy = await openSnapshot(at("copy.db"));
  expect((await fsck(copy, new HighWaterFile(harness.highWaterPath))).findings).toEqual([]);
  await copy.close();
});

it("a store is refused that has more of the log in it, or another log", async () => {
  const other = await foundLog(1, { maxCheckpointAge: 7200 });
  const source = await openSnapshot(other.databaseFile);
  const target = await openStore(harness.databaseFile, NOW);
  await expect(copyLog(source, target)).rejects.toMatchObject({ code: "log-not-empty" });
  await target.close();
  await source.close();
  const smaller = await openStore(other.databaseFile, NOW);
  const larger = await openSnapshot(harness.databaseFile);
  await expect(copyLog(larger, smaller)).rejects.toMatchObject({ code: "log-not-empty" });
  await smaller.close();
  await larger.close();
  other.remove();
});
