// The high-water mark in a bucket keeps the contract of marks beside the one in a file, and what a bucket adds: answers that are lost, and
// an object that others can write.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { HighWaterFile } from "../../../src/log/checkpointing/high-water.ts";
import { ObjectHighWater } from "../../../src/log/checkpointing/object-high-water.ts";
import { FolderStore } from "../../../src/node/objects/folder-store.ts";
import { S3Store } from "../../../src/node/objects/s3-store.ts";
import { FAKE_S3, type FakeS3, startFakeS3 } from "../../support/fake-s3.ts";
import { describeHighWater, markOf } from "./mark-contract.ts";

let folder: string;
let fake: FakeS3;
let store: S3Store;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "touchstone-marks-"));
  fake = await startFakeS3();
  const { endpoint } = fake;
  const options = { endpoint, prefix: "prod/", fetch, clock: () => new Date(), retryDelaysMs: [0] };
  store = new S3Store({ ...FAKE_S3, ...options });
});
beforeEach(() => {
  fake.faults = {};
});
afterAll(async () => {
  await fake.close();
  rmSync(folder, { recursive: true });
});

describeHighWater("a file", (place) => new HighWaterFile(join(folder, place)));
describeHighWater("an object in a bucket", (place) => new ObjectHighWater(store, place));
const shared = new Map<string, FolderStore>();
describeHighWater("an object in a folder", (place) => {
  const objects = shared.get(place) ?? new FolderStore(join(folder, "objects"));
  shared.set(place, objects);
  return new ObjectHighWater(objects, place);
});

describe("a mark in a bucket", () => {
  it("is text that nobody keeps a copy of, and is whole wherever it is found", async () => {
    await at("plain").swap(await markOf(1));
    expect(await at("plain").read()).toEqual({ note: await markOf(1), isTorn: false });
    const { body, headers } = fake.objects.get("prod/plain")!;
    expect(body.toString()).toBe(await markOf(1));
    expect(headers).toMatchObject({
      "content-type": "text/plain; charset=utf-8",
      "cache-control": "no-store",
    });
    expect(headers).not.toHaveProperty("content-encoding");
  });

  const at = (place: string) => new ObjectHighWater(store, place);
  const read = async (place: string) => (await at(place).read())?.note;

  it.each(["failAfterWriting", "cutAfterWriting", "unavailable", "conflict"] as const)(
    "is written where one answer is lost: %s",
    async (fault) => {
      const mark = at(fault);
      for (const size of [1, 2, 3]) {
        fake.faults = { [fault]: 1 };
        await mark.swap(await markOf(size));
      }
      expect(await read(fault)).toBe(await markOf(3));
    },
  );

  it("goes on after writes of which nothing was heard, whether they were carried out or not", async () => {
    const mark = at("unheard");
    await mark.swap(await markOf(1));
    // The write is carried out, and nothing can be read for a while.
    fake.faults = { cutAfterWriting: 1, truncate: 1000 };
    await expect(mark.swap(await markOf(2))).rejects.toMatchObject({ code: "outcome-unknown" });
    fake.faults = { unavailable: 1000 };
    await expect(mark.swap(await markOf(3))).rejects.toMatchObject({ code: "outcome-unknown" });
    fake.faults = {};
    await mark.swap(await markOf(4));
    expect(await read("unheard")).toBe(await markOf(4));
  });

  it("does not take another's mark for its own after such a write", async () => {
    const mark = at("another");
    await mark.swap(await markOf(1));
    fake.faults = { unavailable: 1000 };
    await expect(mark.swap(await markOf(2))).rejects.toMatchObject({ code: "outcome-unknown" });
    fake.faults = {};
    const other = at("another");
    await other.read();
    await other.swap(await markOf(7));
    await expect(mark.swap(await markOf(3))).rejects.toMatchObject({ note: await markOf(7) });
  });

  it("says so where it was removed, and makes no new one in its place", async () => {
    const mark = at("removed");
    await mark.swap(await markOf(1));
    await store.delete("removed");
    await expect(mark.swap(await markOf(2))).rejects.toThrow(
      "the high-water mark was removed while the log was running",
    );
    expect(await read("removed")).toBeUndefined();
  });

  it.each(["", "no note", "note\n\n— not.signed AAAA\n"])("is damaged where it holds %j", async (text) => {
    fake.objects.set("prod/broken", { body: Buffer.from(text), headers: {}, modified: new Date() });
    await expect(read("broken")).rejects.toMatchObject({
      code: "log-damaged",
      message: expect.stringContaining("/tlog/prod/broken is damaged: it holds no checkpoint"),
    });
  });

  it("is never taken for missing where the bucket does not answer", async () => {
    fake.faults = { unavailable: 1000 };
    await expect(read("unheard")).rejects.toMatchObject({ code: "store-unreachable" });
  });
});
