// The same contract with a real S3 server: Ceph's radosgw, where TOUCHSTONE_RADOSGW=1 asks for it.
import { AwsClient } from "aws4fetch";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { audit } from "../../src/auditor/audit.ts";
import { AuditState } from "../../src/auditor/audit-state.ts";
import { ObjectHighWater } from "../../src/log/checkpointing/object-high-water.ts";
import type { LogStore } from "../../src/log/store/log-store.ts";
import { Exporter } from "../../src/mirror/exporter.ts";
import { S3Store } from "../../src/node/objects/s3-store.ts";
import { utf8 } from "../../src/protocol/encoding/text.ts";
import { formatTrustFile, parseTrustFile } from "../../src/verifier/bundle/trust-pin.ts";
import { describeHighWater } from "../log/checkpointing/mark-contract.ts";
import { NOW } from "../support/clock.ts";
import { haveRadosgw, RADOSGW, type Radosgw, startRadosgw } from "../support/radosgw.ts";
import { ServiceHarness } from "../support/service-harness.ts";
import { signPlatforms } from "../support/signing.ts";
import { describeObjectStore } from "./contract.ts";

const isRun = haveRadosgw();
const readFrom = (objects: S3Store) => async (path: string) => (await objects.get(path))?.bytes;
let radosgw: Radosgw;
let store: S3Store;

beforeAll(async () => {
  if (!isRun) return;
  radosgw = await startRadosgw();
  const { accessKey: accessKeyId, secretKey: secretAccessKey, region } = RADOSGW;
  const client = new AwsClient({ accessKeyId, secretAccessKey, region, service: "s3" });
  const made = await client.fetch(`${radosgw.endpoint}/tlog`, { method: "PUT" });
  if (!made.ok) throw new Error(`the bucket was not made: ${made.status} ${await made.text()}`);
  const { endpoint } = radosgw;
  const options = { ...RADOSGW, endpoint, bucket: "tlog", prefix: "one/", fetch, clock: () => new Date() };
  store = new S3Store(options);
}, 180_000);
afterAll(() => radosgw?.stop(), 30_000);

describe.skipIf(!isRun)("radosgw", () => {
  describeObjectStore("radosgw", () => store);
  describeHighWater("an object in radosgw", (place) => new ObjectHighWater(store, place));

  it("heeds conditions, as the probe finds, and keeps nothing of the probe", async () => {
    await store.probe();
    expect(await store.list("touchstone-probe/")).toEqual([]);
  });

  it("sends what it keeps compressed as such, with the fields that it was put with", async () => {
    const meta = {
      contentType: "application/octet-stream",
      cacheControl: "public, max-age=31536000, immutable",
      gzip: true,
    };
    await store.putNew("fields/a", utf8("log ".repeat(1000)), meta);
    const { accessKey: accessKeyId, secretKey: secretAccessKey, region } = RADOSGW;
    const client = new AwsClient({ accessKeyId, secretAccessKey, region, service: "s3" });
    const { headers } = await client.fetch(`${radosgw.endpoint}/tlog/one/fields/a`);
    expect([
      headers.get("content-type"),
      headers.get("cache-control"),
      headers.get("content-encoding"),
    ]).toEqual([meta.contentType, meta.cacheControl, "gzip"]);
  });

  it("has a log exported to it, which a stranger audits from there", async () => {
    let opened: LogStore | undefined;
    const keep = (log: LogStore) => {
      opened = log;
      return log;
    };
    const service = await ServiceHarness.start({ store: keep });
    await service.log.publish(await signPlatforms(service.keys, "vm", 600));
    const silent = () => undefined;
    const logger = { info: silent, warn: silent, error: silent };
    const exporter = new Exporter({
      store: opened!,
      objects: store,
      logger,
      clock: () => new Date(),
      everyMs: 50,
    });
    const { note, checkpoint } = service.log.read.published()!;
    await vi.waitFor(async () => expect(await readFrom(store)("checkpoint")).toEqual(utf8(note)), 30_000);
    await exporter.stop();
    const root = await service.log.read.readEntry(0);
    const trust = parseTrustFile(formatTrustFile(root!.envelope));
    const state = AuditState.open(null);
    const { findings, size } = await audit({ read: readFrom(store), trust, state, now: NOW });
    state.close();
    await service.stop();
    expect([size, findings, exporter.failures]).toEqual([checkpoint.size, [], 0]);
  });

  it("names a bucket that there is none of", async () => {
    const { endpoint } = radosgw;
    const elsewhere = new S3Store({
      ...RADOSGW,
      endpoint,
      bucket: "none",
      prefix: "",
      fetch,
      clock: () => new Date(),
    });
    await expect(elsewhere.get("a")).rejects.toThrow("answered 404 NoSuchBucket: make the bucket first");
    await expect(elsewhere.probe()).rejects.toMatchObject({ code: "store-refuses" });
  });
});
