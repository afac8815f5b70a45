// The contract of object stores, held by a folder, by a fake S3 server in both of its forms of entity tags, and by a real one.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll } from "vitest";
import { FolderStore } from "../../src/node/objects/folder-store.ts";
import { S3Store } from "../../src/node/objects/s3-store.ts";
import { FAKE_S3, type FakeS3, startFakeS3 } from "../support/fake-s3.ts";
import { describeObjectStore } from "./contract.ts";

let folder: string;
const fakes: FakeS3[] = [];
const opened = new Map<string, S3Store>();

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "touchstone-objects-"));
  for (const plainTags of [false, true]) {
    const fake = await startFakeS3();
    fake.faults = { plainTags };
    fakes.push(fake);
    const { endpoint } = fake;
    opened.set(
      `tags ${plainTags}`,
      new S3Store({ ...FAKE_S3, endpoint, prefix: "logs/one/", fetch, clock: () => new Date() }),
    );
  }
});
afterAll(async () => {
  for (const fake of fakes) await fake.close();
  rmSync(folder, { recursive: true });
});

describeObjectStore("a folder", () => new FolderStore(folder, { gzip: true }));
describeObjectStore("a bucket", () => opened.get("tags false")!);
describeObjectStore(
  "a bucket of a server that wants entity tags without quotes",
  () => opened.get("tags true")!,
);
