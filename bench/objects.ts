// What a bucket costs: the high-water mark by compare-and-swap beside one write, and an export beside writing the same objects as they are.
// The server is radosgw with TOUCHSTONE_RADOSGW=1, else one in this process, which is there to see what is spent around it.

import { join } from "node:path";
import { AwsClient } from "aws4fetch";
import { readConfig } from "../src/cli/open-log.ts";
import { storeOf } from "../src/cli/store-of.ts";
import { ObjectHighWater } from "../src/log/checkpointing/object-high-water.ts";
import { readStoredLog } from "../src/log/maintenance/stored-log.ts";
import { openSnapshot } from "../src/log/store/open-store.ts";
import { CopyTarget } from "../src/mirror/copy-target.ts";
import { inParallel } from "../src/mirror/in-parallel.ts";
import { mirrorLog } from "../src/mirror/mirror.ts";
import { metaOf } from "../src/mirror/path-meta.ts";
import { S3Store } from "../src/node/objects/s3-store.ts";
import { utf8 } from "../src/protocol/encoding/text.ts";
import { FAKE_S3, startFakeS3 } from "../test/support/fake-s3.ts";
import { haveRadosgw, RADOSGW, startRadosgw } from "../test/support/radosgw.ts";
import { context } from "./example-log.ts";
import { interleave, type Measurement, ratios, spreadOf } from "./harness.ts";
import type { World } from "./world.ts";

/** Writes of one round. */
const MARKS = 50;
/** Entries a second that a log may take while its bucket is never more than a moment behind. */
const WANTED = 1000;
/** As an export has under way. */
const AT_ONCE = 8;

interface Bucket {
  readonly server: string;
  open(prefix: string): S3Store;
  stop(): Promise<void>;
}

export async function measureObjects(world: World): Promise<Measurement[]> {
  const bucket = await openBucket();
  try {
    return [await measureMark(world, bucket), await measureExport(world, bucket)];
  } finally {
    await bucket.stop();
  }
}

async function openBucket(): Promise<Bucket> {
  const options = { fetch, clock: () => new Date() };
  if (!haveRadosgw()) {
    const { endpoint, close } = await startFakeS3();
    const open = (prefix: string) => new S3Store({ ...FAKE_S3, ...options, endpoint, prefix });
    return { server: "a server in this process", open, stop: close };
  }
  const { endpoint, stop } = await startRadosgw();
  const { accessKey: accessKeyId, secretKey: secretAccessKey, region } = RADOSGW;
  const client = new AwsClient({ accessKeyId, secretAccessKey, region, service: "s3" });
  await client.fetch(`${endpoint}/tlog`, { method: "PUT" });
  const open = (prefix: string) => new S3Store({ ...RADOSGW, ...options, endpoint, bucket: "tlog", prefix });
  return { server: "radosgw", open, stop };
}

async function measureMark({ rounds }: World, { server, open }: Bucket): Promise<Measurement> {
  const store = open("marks/");
  const mark = new ObjectHighWater(store, "high-water");
  const note = (size: number) =>
    `bench.example/log\n${size}\n${"A".repeat(43)}=\n\n— bench.example/log ${"A".repeat(92)}\n`;
  let written = 0;
  const samples = await interleave(rounds, {
    put: () =>
      millisecondsEach(async () => {
        await store.putNew(`put/${written++}`, utf8(note(written)), metaOf("checkpoint"));
      }),
    swap: () => millisecondsEach(() => mark.swap(note(written++))),
  });
  const ratio = ratios(samples.put, samples.swap);
  return {
    row: "objects",
    what: "high-water mark by compare-and-swap",
    unit: "ms",
    floor: spreadOf(samples.put),
    figure: spreadOf(samples.swap),
    ratio,
    target: "≤ 2 × the floor",
    reached: ratio.median >= 0.5,
    note: `floor: one write of a new object of that size; ${server}`,
  };
}

/** Mean of some calls, one after the other. */
async function millisecondsEach(call: () => Promise<void>): Promise<number> {
  const begun = performance.now();
  for (let i = 0; i < MARKS; i++) await call();
  return (performance.now() - begun) / MARKS;
}

async function measureExport(world: World, { server, open }: Bucket): Promise<Measurement> {
  const config = readConfig(join(await world.smallLog(), "touchstone.toml"), context);
  const log = await openSnapshot(storeOf(config, context));
  const read = readStoredLog(log);
  let copies = 0;
  const exportTo = async (store: S3Store) => {
    const target = new CopyTarget(store);
    return (await mirrorLog({ read, target, trust: null, now: new Date(), isSourceNear: true })).size;
  };
  const first = open("first/");
  const size = await exportTo(first);
  const objects = await contentsOf(first);
  const samples = await interleave(world.rounds, {
    floor: () =>
      entriesASecond(size, async () => {
        const store = open(`copy-${copies++}/`);
        await inParallel(AT_ONCE, objects, async ([key, bytes]) => {
          await store.putNew(key, bytes, metaOf(key));
        });
      }),
    export: () => entriesASecond(size, () => exportTo(open(`copy-${copies++}/`))),
  });
  await log.close();
  const figure = spreadOf(samples.export);
  return {
    row: "objects",
    what: `export of ${size.toLocaleString("en")} entries`,
    unit: "entries/s",
    floor: spreadOf(samples.floor),
    figure,
    ratio: ratios(samples.export, samples.floor),
    target: `≥ ${WANTED.toLocaleString("en")} entries/s`,
    reached: figure.median >= WANTED,
    note: `floor: writing the same ${objects.length} objects, ${AT_ONCE} at once, none of them verified; ${server}`,
  };
}

async function contentsOf(store: S3Store): Promise<Array<readonly [string, Uint8Array]>> {
  const contents: Array<readonly [string, Uint8Array]> = [];
  for (const { key } of await store.list("")) {
    const found = await store.get(key);
    if (found !== undefined) contents.push([key, found.bytes]);
  }
  return contents;
}

async function entriesASecond(entries: number, work: () => Promise<unknown>): Promise<number> {
  const begun = performance.now();
  await work();
  return (entries * 1000) / (performance.now() - begun);
}
