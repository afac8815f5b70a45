// fsck of a log with an index: what statuses state follows from the entries, and so does what is in the file beside the log.
import { rmSync } from "node:fs";
import Sqlite from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { HighWaterFile } from "../../../src/log/checkpointing/high-water.ts";
import { IndexFile } from "../../../src/log/index/index-file.ts";
import type { Log } from "../../../src/log/log.ts";
import { fsck } from "../../../src/log/maintenance/fsck.ts";
import { inspectIndex } from "../../../src/log/maintenance/fsck-index.ts";
import { openSnapshot } from "../../../src/log/store/open-store.ts";
import { revocationPredicate } from "../../support/document-predicates.ts";
import { LogHarness } from "../../support/log-harness.ts";
import { signPlatforms, signStatement } from "../../support/signing.ts";

let harness: LogHarness;
let log: Log;

beforeEach(async () => {
  harness = await LogHarness.make({ withStatus: true, trustRoot: { index: true } });
  log = await harness.create();
  const platforms = await signPlatforms(harness.keys, "vm", 40);
  await log.publish(platforms);
  const revocation = revocationPredicate({ digests: [platforms[3]!.payloadDigest] });
  await log.publish([await signStatement("revocation", revocation, [harness.keys.revocation])]);
  await expect.poll(() => log.indexSize).toBe(log.registered.size);
});
afterEach(async () => {
  await log.close();
  harness.remove();
});

async function found(): Promise<string[]> {
  const index = inspectIndex(harness.indexFile);
  const store = await openSnapshot(harness.databaseFile);
  try {
    const { findings } = await fsck(store, new HighWaterFile(harness.highWaterPath), { index });
    return findings.map(({ check, detail }) => `${check}: ${detail}`);
  } finally {
    index?.file?.close();
    await store.close();
  }
}

describe("fsck of a log with an index", () => {
  it("finds nothing, also while the service has the file", async () => {
    expect(await found()).toEqual([]);
  });

  it("finds nothing where the file is not there: a start makes it", async () => {
    await log.close();
    rmSync(harness.indexFile);
    expect(await found()).toEqual([]);
  });

  it.each([
    ["a page", "UPDATE pages SET page = zeroblob(length(page))"],
    ["a list", "UPDATE lists SET list = zeroblob(length(list))"],
    ["pages that are gone", "DELETE FROM pages WHERE prefix <> ''"],
    ["its table", "DROP TABLE lists"],
  ])("finds a damaged file: %s", async (_what, sql) => {
    await log.close();
    const database = new Sqlite(harness.indexFile);
    database.exec(sql);
    database.close();
    const [first, ...others] = await found();
    expect(first).toMatch(/^index-file: .*; stop the service and remove .*index\.db, which it makes again$/);
    expect(others).toEqual([]);
  });

  it("finds a whole file that is of something else", async () => {
    await log.close();
    rmSync(harness.indexFile);
    const file = IndexFile.open(harness.indexFile);
    const leaves = (await signPlatforms(harness.keys, "strange", 9)).map(({ leaf }) => leaf);
    file.add(leaves, new Uint8Array(32), 0, true);
    file.close();
    expect(await found()).toEqual([
      expect.stringContaining("index-file: the index of 9 entries has another root than follows from them"),
    ]);
  });

  it("finds one that is ahead of its log", async () => {
    await log.close();
    const file = IndexFile.open(harness.indexFile);
    const leaves = (await signPlatforms(harness.keys, "more", 9)).map(({ leaf }) => leaf);
    file.add(leaves, new Uint8Array(32), 0, false);
    file.close();
    expect(await found()).toEqual([
      expect.stringMatching(/^index-file: the index covers 53 entries, the log has 44/),
    ]);
  });
});
