// A log that is served keeps its bucket up to date: after every export the bucket is a log by itself, which a stranger audits, whatever the
// server of the bucket did meanwhile.
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { audit } from "../../src/auditor/audit.ts";
import { AuditState } from "../../src/auditor/audit-state.ts";
import type { LogStore } from "../../src/log/store/log-store.ts";
import { Exporter, type ExporterOptions } from "../../src/mirror/exporter.ts";
import type { S3Options } from "../../src/node/objects/s3-client.ts";
import { S3Store } from "../../src/node/objects/s3-store.ts";
import { sha256 } from "../../src/protocol/cryptography/hash.ts";
import { encodeHex } from "../../src/protocol/encoding/hex.ts";
import { utf8 } from "../../src/protocol/encoding/text.ts";
import { seriesDigest } from "../../src/protocol/entry/patch-series.ts";
import { canonicalize } from "../../src/protocol/envelope/canonical-json.ts";
import { formatTrustFile, parseTrustFile } from "../../src/verifier/bundle/trust-pin.ts";
import { NOW } from "../support/clock.ts";
import { FAKE_S3, type FakeS3, startFakeS3 } from "../support/fake-s3.ts";
import { kernelPredicate, sha256Of } from "../support/release-predicates.ts";
import { ServiceHarness, type ServiceHarnessOptions } from "../support/service-harness.ts";
import { signPlatforms, signStatement } from "../support/signing.ts";

const DAY_MS = 86_400_000;
let fake: FakeS3;
let service: ServiceHarness;
let store: LogStore;
let exporters: Exporter[];
const told: string[] = [];
const tell = (_: object, message: string) => void told.push(message);
const logger = { info: tell, warn: tell, error: tell };

beforeEach(async () => {
  told.length = 0;
  exporters = [];
  fake = await startFakeS3();
  ({ service, store } = await startLog());
});
afterEach(async () => {
  for (const exporter of exporters) await exporter.stop();
  await service.stop();
  await fake.close();
});

async function startLog(options: ServiceHarnessOptions = {}) {
  let opened: LogStore | undefined;
  const keep = (log: LogStore) => {
    opened = log;
    return log;
  };
  const started = await ServiceHarness.start({ ...options, store: keep });
  return { service: started, store: opened! };
}

function bucket(change: Partial<S3Options> = {}): S3Store {
  const { endpoint } = fake;
  const options = {
    ...FAKE_S3,
    endpoint,
    prefix: "prod/",
    fetch,
    clock: () => new Date(),
    retryDelaysMs: [],
  };
  return new S3Store({ ...options, ...change });
}

function start(change: Partial<ExporterOptions> = {}): Exporter {
  const options = {
    store,
    objects: bucket(),
    logger,
    clock: () => new Date(),
    everyMs: 5,
    longestPauseMs: 20,
  };
  const exporter = new Exporter({ ...options, ...change });
  exporters.push(exporter);
  return exporter;
}

const published = () => service.log.read.published()!;
const grow = async (prefix: string, count: number) =>
  service.log.publish(await signPlatforms(service.keys, prefix, count));
/** Publishes a kernel whose patches are attached. @returns where the attachment is. */
async function publishAttached(): Promise<string> {
  const patch = { fileName: "0.patch", sha256: sha256Of("0"), subject: "0", origin: "local" as const };
  const patches = [{ ...patch, authorDate: null, patchId: null, upstreamCommit: null, purpose: null }];
  const bytes = utf8(canonicalize(patches));
  const digest = encodeHex(sha256(bytes));
  const attachment = { digest, size: bytes.length, mediaType: "application/json" as const };
  const series = { count: 1, seriesDigest: seriesDigest(patches), inline: null, attachment };
  const predicate = { ...kernelPredicate("linux-attached"), patches: series };
  const envelope = await signStatement("kernel-patch-set", predicate, [service.keys.publisher]);
  await service.log.publish([envelope, bytes]);
  return `v1/attachments/sha256/${digest}`;
}

const inBucket = () => [...fake.objects.keys()].map((key) => key.slice("prod/".length));
const checkpointInBucket = () => fake.objects.get("prod/checkpoint")?.body.toString();

/** Until what is published is in the bucket. */
const exported = () =>
  vi.waitFor(() => expect(checkpointInBucket()).toBe(published().note), { timeout: 30_000, interval: 5 });

/** What a stranger finds wrong with the bucket alone. */
async function auditBucket(): Promise<unknown> {
  const root = await service.log.read.readEntry(0);
  const trust = parseTrustFile(formatTrustFile(root!.envelope));
  const state = AuditState.open(null);
  try {
    const reader = bucket();
    const read = async (path: string) => (await reader.get(path))?.bytes;
    const { findings, size } = await audit({ read, trust, state, now: NOW });
    expect(size).toBe(published().checkpoint.size);
    return findings;
  } finally {
    state.close();
  }
}

describe("an export", () => {
  it("follows the log through full tiles and attachments, the checkpoint last", async () => {
    await publishAttached();
    const exporter = start();
    for (const count of [1, 250, 300]) {
      await grow(`vm${count}`, count);
      await exported();
      expect(await auditBucket()).toEqual([]);
    }
    await expect.poll(() => exporter.behindSince).toBeNull();
    expect([exporter.size, exporter.failures]).toEqual([published().checkpoint.size, 0]);
    expect(inBucket().filter((key) => key.startsWith("checkpoints/")).length).toBeGreaterThan(2);
    const writes = fake.requests.filter(
      (request) => request.startsWith("PUT prod/") && !request.includes("probe"),
    );
    const last = writes.lastIndexOf("PUT prod/checkpoint");
    expect(writes.slice(last + 1)).toEqual([]);
    expect(new Set(writes.filter((write) => write.includes("/tile/"))).size).toBe(
      writes.filter((write) => write.includes("/tile/")).length,
    );
  });

  it("puts every object with the fields that the log sends, bundles compressed", async () => {
    const attachment = await publishAttached();
    await grow("vm", 260);
    start();
    await exported();
    const fieldsOf = (key: string) => fake.objects.get(`prod/${key}`)?.headers;
    const immutable = "public, max-age=31536000, immutable";
    const octets = { "content-type": "application/octet-stream", "cache-control": immutable };
    expect(fieldsOf("checkpoint")).toEqual({
      "content-type": "text/plain; charset=utf-8",
      "cache-control": "no-cache",
    });
    expect(fieldsOf("tile/0/000")).toEqual(octets);
    expect(fieldsOf("tile/entries/000")).toEqual({ ...octets, "content-encoding": "gzip" });
    expect(fieldsOf(attachment)).toEqual({ "content-type": "application/json", "cache-control": immutable });
  });

  it("asks the bucket nothing while nothing is published", async () => {
    const newest = await store.newestCheckpoint();
    let looks = 0;
    const still = {
      newestCheckpoint: async () => {
        looks++;
        return newest;
      },
      firstCheckpointCovering: store.firstCheckpointCovering.bind(store),
      readTile: store.readTile.bind(store),
      readLeaves: store.readLeaves.bind(store),
      attachment: store.attachment.bind(store),
    };
    start({ store: still });
    await vi.waitFor(() => expect(told).toContain("exported what is new"), { timeout: 30_000 });
    const [asked, looked] = [fake.raw.length, looks];
    await vi.waitFor(() => expect(looks).toBeGreaterThan(looked + 5), { timeout: 30_000 });
    expect(fake.raw.length).toBe(asked);
  });

  it("catches up once the bucket is back, though no entry comes", async () => {
    fake.faults = { unavailable: 1_000_000 };
    const exporter = start();
    await grow("vm", 3);
    await expect.poll(() => exporter.failures).toBeGreaterThan(2);
    expect(exporter.behindSince).not.toBeNull();
    expect(told).toContain("what is new could not be exported, and will be tried again");
    fake.faults = {};
    await exported();
    expect(await auditBucket()).toEqual([]);
  });

  it.each(["failAfterWriting", "cutAfterWriting", "conflict", "truncate", "unavailable"] as const)(
    "is whole in the end, however many answers are lost: %s",
    async (fault) => {
      start();
      for (const size of [10, 300]) {
        fake.faults = { [fault]: 7 };
        await grow(`vm${size}`, size);
        await exported();
      }
      expect(await auditBucket()).toEqual([]);
    },
  );

  it("is made by one process at a time, and the next one goes on where that left it, also in the middle", async () => {
    let turn = 0;
    const processes = [0, 1].map((i) => start({ isTurn: () => turn === i }));
    const [first, second] = processes as [Exporter, Exporter];
    await grow("one", 300);
    await exported();
    expect([first.size, second.size]).toEqual([published().checkpoint.size, 0]);
    // The bucket is slow to take the tiles of more entries, so that hands change under way.
    fake.faults = { slowMs: 20 };
    fake.requests.length = 0;
    await grow("two", 600);
    await expect.poll(() => fake.requests.some((request) => request.includes("PUT"))).toBe(true);
    turn = 1;
    await exported();
    await expect.poll(() => second.size).toBe(published().checkpoint.size);
    await expect.poll(() => [first.behindSince, second.behindSince]).toEqual([null, null]);
    expect([first.failures, first.isDamaged, second.isDamaged]).toEqual([0, false, false]);
    expect(await auditBucket()).toEqual([]);
    // Its own turn again: what the other has written counts.
    turn = 0;
    fake.faults = {};
    await grow("three", 1);
    await exported();
    await expect.poll(() => first.size).toBe(published().checkpoint.size);
    expect(await auditBucket()).toEqual([]);
  });

  it("goes on where another process, or this one before a restart, has stopped", async () => {
    const first = start();
    await grow("one", 300);
    await exported();
    await first.stop();
    await grow("two", 300);
    fake.requests.length = 0;
    start();
    await exported();
    expect(fake.requests).not.toContain("PUT prod/tile/0/000");
    expect(fake.requests).toContain("PUT prod/tile/0/001");
    expect(await auditBucket()).toEqual([]);
  });

  it("may be made by several processes at once: the checkpoint never goes back", async () => {
    const seen: number[] = [];
    const replaced = fake.objects.set.bind(fake.objects);
    fake.objects.set = (key, object) => {
      if (key === "prod/checkpoint") seen.push(Number(object.body.toString().split("\n")[1]));
      return replaced(key, object);
    };
    const all = [start(), start(), start()];
    for (const count of [3, 200, 100, 5]) await grow(`vm${count}`, count);
    await exported();
    expect(seen).toEqual([...seen].sort((a, b) => a - b));
    expect(all.some((exporter) => exporter.isDamaged)).toBe(false);
    expect(await auditBucket()).toEqual([]);
  });

  it("keeps partial tiles for a day after the full ones", async () => {
    await grow("few", 100);
    const before = start();
    await exported();
    await grow("many", 200);
    await exported();
    await before.stop();
    expect(inBucket()).toContain("tile/0/000.p/102");
    const clock = { now: new Date(Date.now() + DAY_MS - 60_000) };
    start({ clock: () => clock.now });
    await grow("more", 1);
    await exported();
    expect(inBucket()).toContain("tile/0/000.p/102");
    clock.now = new Date(clock.now.getTime() + 2 * 3_600_000);
    await grow("again", 1);
    await exported();
    await expect.poll(() => inBucket().filter((key) => /^tile\/(0|entries)\/000\.p\//.test(key))).toEqual([]);
    expect(await auditBucket()).toEqual([]);
  });
});

describe("what stops an export, and not the log:", () => {
  async function expectStopped(exporter: Exporter): Promise<void> {
    await vi.waitFor(() => expect(exporter.isDamaged).toBe(true), { timeout: 10_000 });
    expect(told).toContain("the bucket is not this log's, or damaged: nothing is exported any more");
    const asked = fake.raw.length;
    await grow("on", 1);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(fake.raw.length).toBe(asked);
    expect(checkpointInBucket()).not.toBe(published().note);
  }

  it("an object with other bytes", async () => {
    await bucket().putNew("tile/0/000", Buffer.alloc(8192), {
      contentType: "x/y",
      cacheControl: "no-store",
      gzip: false,
    });
    const exporter = start();
    await grow("vm", 300);
    await expectStopped(exporter);
  });

  it("a checkpoint that is none", async () => {
    await bucket().putNew("checkpoint", Buffer.from("?"), {
      contentType: "x/y",
      cacheControl: "no-store",
      gzip: false,
    });
    await expectStopped(start());
  });

  it("the copy of another log", async () => {
    const { service: other, store: others } = await startLog({
      trustRoot: { expires: "2031-01-01T00:00:00Z" },
    });
    await other.log.publish(await signPlatforms(other.keys, "other", 2));
    const elsewhere = start({ store: others });
    await expect.poll(() => checkpointInBucket()).toBe(other.log.read.published()!.note);
    await elsewhere.stop();
    await grow("vm", 5);
    await expectStopped(start());
    await other.stop();
  });

  it("a server that stops heeding conditions", async () => {
    fake.faults = { ignore: "if-none-match" };
    await expectStopped(start());
  });
});
