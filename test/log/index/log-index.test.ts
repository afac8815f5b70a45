// A log with its index: what statuses state of it, from the first trust root or from a later one on; what a start makes of a file that is older,
// gone, damaged or of another log; and what is refused of those who draft statuses themselves.
import { copyFileSync, existsSync, rmSync } from "node:fs";
import Sqlite from "better-sqlite3";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { KeyFound } from "../../../src/log/index/index-file.ts";
import type { StatedIndex } from "../../../src/log/index/log-index.ts";
import type { Log } from "../../../src/log/log.ts";
import { decodeHex } from "../../../src/protocol/encoding/hex.ts";
import type { Status } from "../../../src/protocol/entry/status.ts";
import type { TrustRoot } from "../../../src/protocol/entry/trust-root.ts";
import { type Envelope, parseLeaf } from "../../../src/protocol/envelope/dsse.ts";
import { verifyLookupProof } from "../../../src/protocol/lookup/prefix-tree.ts";
import { policyPredicate, revocationPredicate, statusPredicate } from "../../support/document-predicates.ts";
import { entriesByKey, indexRootOf } from "../../support/index-of.ts";
import { type HarnessOptions, LogHarness } from "../../support/log-harness.ts";
import { inOrder, signReleaseSet } from "../../support/release-set.ts";
import { signPlatforms, signStatement } from "../../support/signing.ts";
import { auditAsStranger } from "../../support/stranger.ts";
import { trustRootPredicate } from "../../support/trust-root.ts";

const harnesses: LogHarness[] = [];
const logs: Log[] = [];

afterEach(async () => {
  for (const log of logs.splice(0)) await log.close();
  for (const harness of harnesses.splice(0)) harness.remove();
});

async function make(options: HarnessOptions = {}): Promise<LogHarness> {
  const harness = await LogHarness.make({
    withStatus: true,
    trustRoot: { index: true },
    config: { limits: { tickMs: 3_600_000 } },
    ...options,
  });
  harnesses.push(harness);
  return harness;
}
async function begin(options: HarnessOptions = {}): Promise<{ harness: LogHarness; log: Log }> {
  const harness = await make(options);
  const log = await harness.create();
  logs.push(log);
  return { harness, log };
}
async function reopen(harness: LogHarness): Promise<Log> {
  const log = await harness.open();
  logs.push(log);
  return log;
}
const publishOnlineChange = async (log: Log, harness: LogHarness, digest: string) =>
  log.publish([
    await signStatement("revocation", revocationPredicate({ digests: [digest] }), [harness.keys.revocation]),
  ]);

async function envelopesOf(log: Log): Promise<Envelope[]> {
  const envelopes: Envelope[] = [];
  for (let index = 0; index < log.read.inForce.size; index++)
    envelopes.push(parseLeaf((await log.read.entry(index))!.leaf));
  return envelopes;
}
async function newestStatus(log: Log): Promise<Status> {
  const { statement } = parseLeaf((await log.read.entry(log.read.inForce.status!.index))!.leaf);
  return statement.predicate as Status;
}

/** A damaged file is found out when it is read, and answers again when it has been built. */
async function findWhenReady(log: Log, key: Uint8Array, index: StatedIndex): Promise<KeyFound> {
  const find = () =>
    log.read.findKey(key, index, 1000).catch((error) => {
      if (error.code !== "index-not-ready") throw error;
      return null;
    });
  return vi.waitFor(async () => (await find()) ?? Promise.reject(new Error("not yet")), { timeout: 10_000 });
}

/** What the newest published status states follows from the log, and is what is served, of every key and of one that nothing has. */
async function expectServed(log: Log): Promise<void> {
  const envelopes = await envelopesOf(log);
  const { index } = await newestStatus(log);
  if (index === null) throw new Error("the status states no index");
  const below = envelopes.slice(0, index.size);
  expect(index.root).toBe(indexRootOf(below));
  const held = entriesByKey(below);
  for (const name of [...entriesByKey(envelopes).keys(), "00".repeat(32)]) {
    const key = decodeHex(name);
    const { indices, before, proof } = await findWhenReady(log, key, index);
    expect(indices).toEqual(held.get(name) ?? []);
    verifyLookupProof({ key, indices, before, root: decodeHex(index.root) }, proof);
  }
}

/** The next trust root. */
async function changeRoot(log: Log, harness: LogHarness, change: Partial<TrustRoot>): Promise<void> {
  const { root, digest } = log.registered.trustRoots.at(-1)!;
  const place = { version: root.version + 1, previous: digest };
  const next = await trustRootPredicate(harness.keys, { ...place, ...change });
  await log.publish([await signStatement("trust-root", next, harness.keys.root.slice(0, 1))]);
}

describe("a log whose trust root says that there is an index", () => {
  it("states it in the status that comes with each change, and serves it", async () => {
    const { harness, log } = await begin();
    expect(await newestStatus(log)).toMatchObject({ treeSize: 1, index: { size: 1 } });
    await expectServed(log);
    const set = await signReleaseSet(harness.keys);
    const policy = await signStatement("policy", policyPredicate(set), [harness.keys.policy]);
    await log.publish([...inOrder(set), policy]);
    const { treeSize, index } = await newestStatus(log);
    expect(index?.size).toBe(treeSize);
    expect(log.read.inForce.status?.index).toBe(treeSize);
    await expectServed(log);
    await log.publish(await signPlatforms(harness.keys, "more", 30));
    await expectServed(log);
    await publishOnlineChange(log, harness, set.platform.payloadDigest);
    await expectServed(log);
    await auditAsStranger(log.read, log.read.inForce.trustRoots.at(-1)!.root.logPolicy);
  });

  it("has none before a trust root says so, one over everything from then on, and none again", async () => {
    const { harness, log } = await begin({ trustRoot: { index: false } });
    await log.publish(await signPlatforms(harness.keys, "before", 20));
    expect((await newestStatus(log)).index).toBeNull();
    expect(existsSync(harness.indexFile)).toBe(false);
    await changeRoot(log, harness, { index: true });
    expect((await newestStatus(log)).index?.size).toBe(log.read.inForce.status?.index);
    await expectServed(log);
    await changeRoot(log, harness, { index: false });
    expect((await newestStatus(log)).index).toBeNull();
    const covered = log.indexSize;
    await log.publish(await signPlatforms(harness.keys, "between", 5));
    expect(log.indexSize).toBe(covered);
    await changeRoot(log, harness, { index: true });
    await expectServed(log);
  });

  it("builds the file before a trust root asks for it where it is told to", async () => {
    const harness = await make({ trustRoot: { index: false } });
    const config = await harness.config();
    await config.writer.close();
    const ahead = { ...harness.options.config, index: { file: harness.indexFile, ahead: true } };
    const log = await (await LogHarness.at(harness.folder, { ...harness.options, config: ahead })).create();
    logs.push(log);
    await expect.poll(() => log.indexSize).toBe(log.registered.size);
    await changeRoot(log, harness, { index: true });
    await expectServed(log);
  });
});

describe("a start", () => {
  async function closed(): Promise<LogHarness> {
    const { harness, log } = await begin();
    await log.publish(await signPlatforms(harness.keys, "some", 12));
    await expectServed(log);
    await logs.pop()!.close();
    return harness;
  }
  const expectGoesOn = async (harness: LogHarness) => {
    const log = await reopen(harness);
    await expectServed(log);
    const [platform] = await signPlatforms(harness.keys, "after", 1);
    await log.publish([platform!]);
    await publishOnlineChange(log, harness, platform!.payloadDigest);
    await expectServed(log);
  };

  it("goes on with the file as it is", async () => expectGoesOn(await closed()));

  it("catches up where the machine stopped between a commit and the index", async () => {
    const { harness, log } = await begin();
    await logs.pop()!.close();
    expect(log.read.inForce.size).toBe(2);
    copyFileSync(harness.indexFile, `${harness.indexFile}.older`);
    const again = await reopen(harness);
    await again.publish(await signPlatforms(harness.keys, "some", 12));
    await changeRoot(again, harness, { index: true });
    await logs.pop()!.close();
    copyFileSync(`${harness.indexFile}.older`, harness.indexFile);
    await expectGoesOn(harness);
  });

  it("builds a file that is gone", async () => {
    const harness = await closed();
    rmSync(harness.indexFile);
    await expectGoesOn(harness);
  });

  it.each([
    ["pages", "UPDATE pages SET page = zeroblob(length(page))"],
    ["lists", "UPDATE lists SET list = zeroblob(length(list))"],
    ["its state", "UPDATE state SET roots = zeroblob(72)"],
    ["the root of its tree", "DELETE FROM state"],
  ])("builds a damaged file again, or says so when it is asked: %s", async (_what, sql) => {
    const harness = await closed();
    const database = new Sqlite(harness.indexFile);
    database.exec(sql);
    database.close();
    await expectGoesOn(harness);
  });

  it("builds the file of another log again, and one that is ahead of its log", async () => {
    const harness = await closed();
    const other = await make();
    const log = await other.create();
    logs.push(log);
    await log.publish(await signPlatforms(other.keys, "other", 3));
    await logs.pop()!.close();
    for (const [from, to] of [
      [other, harness],
      [harness, other],
    ] as const) {
      copyFileSync(from.indexFile, `${to.indexFile}.copy`);
    }
    for (const one of [harness, other]) {
      copyFileSync(`${one.indexFile}.copy`, one.indexFile);
      await expectGoesOn(one);
      await logs.pop()!.close();
    }
  });

  it("is refused where the file is something else", async () => {
    const harness = await closed();
    rmSync(harness.indexFile);
    const notes = new Sqlite(harness.indexFile);
    notes.exec("CREATE TABLE notes (text TEXT)");
    notes.close();
    await expect(harness.open()).rejects.toThrow(/is not the index of a log/);
    // It holds nothing: with the file out of the way it starts.
    rmSync(harness.indexFile);
    await expectGoesOn(harness);
  });
});

describe("a status that is drafted elsewhere", () => {
  async function offline() {
    const { harness, log } = await begin({ withStatus: false });
    await log.publish(await signPlatforms(harness.keys, "some", 4));
    const draft = async (change: (true_: Status) => Partial<Status>, size = log.read.inForce.size) => {
      const envelopes = (await envelopesOf(log)).slice(0, size);
      const index = { size, root: indexRootOf(envelopes) };
      const predicate = { ...statusPredicate(log.read.inForce), treeSize: size, index };
      return signStatement("status", { ...predicate, ...change(predicate) }, [harness.keys.status]);
    };
    return { harness, log, draft };
  }

  it("is taken at a published size, also when the log has gone on, and is what is served then", async () => {
    const { harness, log, draft } = await offline();
    const first = await draft(() => ({}));
    await log.publish(await signPlatforms(harness.keys, "more", 7));
    await log.publish([first]);
    await expectServed(log);
    expect((await newestStatus(log)).treeSize).toBeLessThan(log.read.inForce.size - 7);
    await log.publish([await draft(() => ({}))]);
    await expectServed(log);
  });

  it.each<[string, (status: Status) => Partial<Status>]>([
    ["another root", ({ treeSize }) => ({ index: { size: treeSize, root: "ab".repeat(32) } })],
    ["none", () => ({ index: null })],
    [
      "one of a size that was never published",
      ({ treeSize, index }) => ({ treeSize: treeSize - 2, index: { size: treeSize - 2, root: index!.root } }),
    ],
    [
      "one of a size that the log does not have",
      ({ treeSize, index }) => ({ treeSize: treeSize + 2, index: { size: treeSize + 2, root: index!.root } }),
    ],
  ])("is refused with %s", async (_what, change) => {
    const { log, draft } = await offline();
    await expect(log.publish([await draft(change)])).rejects.toMatchObject({ code: "status-not-true" });
  });

  it("is refused with an index where the trust root has none", async () => {
    const { harness, log } = await begin({ withStatus: false, trustRoot: { index: false } });
    const index = { size: 1, root: indexRootOf(await envelopesOf(log)) };
    const status = { ...statusPredicate(log.read.inForce), index };
    const signed = await signStatement("status", status, [harness.keys.status]);
    await expect(log.publish([signed])).rejects.toMatchObject({ code: "status-not-true" });
  });

  it("is refused where it goes back behind the one before it", async () => {
    const { harness, log, draft } = await offline();
    const older = log.read.inForce.size;
    await log.publish(await signPlatforms(harness.keys, "more", 2));
    await log.publish([await draft(() => ({}))]);
    await expect(log.publish([await draft(() => ({}), older)])).rejects.toMatchObject({
      code: "status-not-true",
    });
  });
});
