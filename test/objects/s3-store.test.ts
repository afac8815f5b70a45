// What a bucket's client makes of a server that fails, lies, or ignores what it is asked: nothing is lost, overwritten or shown to strangers.
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { ObjectMeta } from "../../src/node/objects/object-store.ts";
import type { S3Options } from "../../src/node/objects/s3-client.ts";
import { S3Store } from "../../src/node/objects/s3-store.ts";
import { utf8 } from "../../src/protocol/encoding/text.ts";
import { FAKE_S3, type FakeS3, startFakeS3 } from "../support/fake-s3.ts";

const META: ObjectMeta = { contentType: "text/plain", cacheControl: "no-cache", gzip: false };
const BODY = utf8("the bytes of an object");
let fake: FakeS3;

beforeEach(async () => {
  fake = await startFakeS3();
});
afterEach(() => fake.close());

function open(change: Partial<S3Options> = {}): S3Store {
  const { endpoint } = fake;
  const options = {
    ...FAKE_S3,
    endpoint,
    prefix: "log/",
    fetch,
    clock: () => new Date(),
    retryDelaysMs: [0, 0],
  };
  return new S3Store({ ...options, ...change });
}

/** A store that was probed already, and what it asks from now on. */
async function opened(): Promise<S3Store> {
  const store = open();
  await store.probe();
  fake.requests.length = 0;
  return store;
}

const contentOf = (key: string) => fake.objects.get(`log/${key}`)?.body.toString();

describe("a server that ignores conditions is refused before anything is written:", () => {
  it.each([
    ["If-None-Match", { ignore: "if-none-match" }, /ignores If-None-Match: \*, and overwrote an object/],
    ["If-Match", { ignore: "if-match" }, /makes an object by If-Match/],
    ["the absence of what is to be replaced", { createsByIfMatch: true }, /makes an object by If-Match/],
  ] as const)("%s", async (_, faults, message) => {
    fake.faults = { ...faults };
    const refused = { code: "storage-unsafe", message: expect.stringMatching(message) };
    await expect(open().probe()).rejects.toMatchObject(refused);
    await expect(open().putNew("a", BODY, META)).rejects.toMatchObject(refused);
    await expect(open().replaceIf("a", BODY, null, META)).rejects.toMatchObject(refused);
    expect([...fake.objects.keys()]).toEqual([]);
  });
});

describe("the probe", () => {
  it("is made once, and leaves nothing", async () => {
    const store = open();
    await store.putNew("a", BODY, META);
    const asked = fake.requests.length;
    await store.putNew("b", BODY, META);
    expect(fake.requests.length).toBe(asked + 1);
    expect([...fake.objects.keys()]).toEqual(["log/a", "log/b"]);
  });

  it.each([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])("is not misled by %i answers that are lost", async (count) => {
    for (const fault of ["failAfterWriting", "cutAfterWriting", "unavailable", "conflict"] as const) {
      fake.faults = { [fault]: count };
      await open({ retryDelaysMs: Array.from({ length: 10 }, () => 0) }).probe();
    }
    expect([...fake.objects.keys()]).toEqual([]);
  });

  it("is made again where nobody answered", async () => {
    fake.faults = { unavailable: 1000 };
    const store = open();
    await expect(store.probe()).rejects.toMatchObject({ code: "store-unreachable" });
    fake.faults = {};
    await store.probe();
  });
});

describe("a write whose answer is lost", () => {
  it.each(["failAfterWriting", "cutAfterWriting"] as const)(
    "is found to have happened: %s",
    async (fault) => {
      const store = await opened();
      fake.faults = { [fault]: 1 };
      expect(await store.putNew("a", BODY, META)).toBe("same");
      fake.faults = { [fault]: 1 };
      const tag = await store.replaceIf("b", utf8("1"), null, META);
      fake.faults = { [fault]: 1 };
      await store.replaceIf("b", utf8("2"), tag, META);
      expect(fake.requests.filter((request) => request === "PUT log/b")).toHaveLength(2);
      expect([contentOf("a"), contentOf("b")]).toEqual(["the bytes of an object", "2"]);
    },
  );

  it.each(["unavailable", "conflict"] as const)(
    "is made again where it had not happened: %s",
    async (fault) => {
      const store = await opened();
      fake.faults = { [fault]: 1 };
      const tag = await store.replaceIf("b", utf8("1"), null, META);
      fake.faults = { [fault]: 1 };
      await store.replaceIf("b", utf8("2"), tag, META);
      expect(contentOf("b")).toBe("2");
    },
  );

  it("is not taken for done where somebody else was faster", async () => {
    const store = await opened();
    const tag = await store.replaceIf("b", utf8("1"), null, META);
    await open().replaceIf("b", utf8("other"), tag, META);
    fake.faults = { unavailable: 1 };
    await expect(store.replaceIf("b", utf8("2"), tag, META)).rejects.toThrow("changed by somebody else");
    expect(contentOf("b")).toBe("other");
  });

  it("is said to be unknown while the server stays away", async () => {
    const store = await opened();
    const tag = await store.replaceIf("b", utf8("1"), null, META);
    fake.faults = { unavailable: 1000 };
    await expect(store.replaceIf("b", utf8("2"), tag, META)).rejects.toMatchObject({
      code: "outcome-unknown",
    });
  });
});

describe("a server that does not answer as it should", () => {
  it("is given up in time", async () => {
    fake.faults = { slowMs: 2_000 };
    const store = open({ timeoutMs: 50 });
    await expect(store.get("a")).rejects.toMatchObject({
      code: "store-unreachable",
      message: expect.stringContaining("no answer in time"),
    });
    expect(fake.raw).toHaveLength(3);
  });

  it("is asked again for what broke off, which is never taken for the object", async () => {
    const store = await opened();
    await store.putNew("a", BODY, META);
    fake.faults = { truncate: 1 };
    expect((await store.get("a"))?.bytes).toEqual(BODY);
    fake.faults = { truncate: 1000 };
    await expect(store.get("a")).rejects.toMatchObject({ code: "store-unreachable" });
  });

  it("is told from an object that is not there", async () => {
    fake.faults = { unavailable: 1000 };
    await expect(open().get("a")).rejects.toMatchObject({ code: "store-unreachable" });
    fake.faults = {};
    expect(await open().get("a")).toBeUndefined();
    const elsewhere = open({ bucket: "other" });
    await expect(elsewhere.get("a")).rejects.toThrow("answered 404 NoSuchBucket: make the bucket first");
    await expect(elsewhere.delete("a")).rejects.toMatchObject({ code: "store-refuses" });
  });

  it("is asked for what it keeps compressed, and a form that cannot be unpacked is no object", async () => {
    const store = await opened();
    await store.putNew("a", BODY, { ...META, gzip: true });
    expect(fake.objects.get("log/a")?.headers["content-encoding"]).toBe("gzip");
    expect((await store.get("a"))?.bytes).toEqual(BODY);
    const { headers } = fake.objects.get("log/a")!;
    fake.objects.set("log/a", { body: Buffer.from("no gzip"), headers, modified: new Date() });
    await expect(store.get("a")).rejects.toMatchObject({ code: "object-unreadable" });
    await expect(store.putNew("a", BODY, META)).rejects.toThrow("log/a has other bytes");
  });

  it("cannot have an object of any size read", async () => {
    const store = await opened();
    fake.objects.set("log/a", { body: Buffer.alloc(33 * 1024 * 1024), headers: {}, modified: new Date() });
    await expect(store.get("a")).rejects.toMatchObject({
      code: "object-unreadable",
      message: expect.stringContaining("an answer of more than 33554432 bytes"),
    });
  });
});

describe("a listing", () => {
  it("that does not end is given up", async () => {
    const endless = async () =>
      new Response("<IsTruncated>true</IsTruncated><NextContinuationToken>again</NextContinuationToken>");
    await expect(open({ fetch: endless }).list("")).rejects.toThrow("the list of its objects does not end");
  });
});

describe("the secret key", () => {
  let stranger: Server;
  const strangers: string[] = [];

  beforeEach(async () => {
    strangers.length = 0;
    stranger = createServer((request, response) => {
      strangers.push(JSON.stringify(request.headers));
      response.end();
    });
    await new Promise<void>((resolve) => stranger.listen(0, "127.0.0.1", resolve));
  });
  afterEach(() => stranger.close());

  it("does not follow a redirection, nor does anything that it signed", async () => {
    fake.faults = { redirectTo: `http://127.0.0.1:${(stranger.address() as AddressInfo).port}` };
    const questions = [() => open().get("a"), () => open().list(""), () => open().putNew("a", BODY, META)];
    for (const ask of questions)
      await expect(ask()).rejects.toThrow("names another address, which is not followed");
    expect(strangers).toEqual([]);
  });

  it("is in no request, and in no error", async () => {
    const wrong = open({ secretKey: "another-secret-key" });
    const refusal = await wrong.get("a").catch((error: Error) => error);
    expect(String(refusal)).toContain("403 SignatureDoesNotMatch: the secret key or the region is wrong");
    const strange = () => open({ secretKey: "secret with\na line" });
    expect(strange).toThrow("a character that no such key has");
    await open().get("a");
    const said = JSON.stringify(fake.raw) + String(refusal) + messageOf(strange);
    for (const secret of [FAKE_S3.secretKey, "another-secret-key", "secret with"])
      expect(said).not.toContain(secret);
    expect(String(refusal)).not.toContain(FAKE_S3.accessKey);
  });
});

function messageOf(action: () => unknown): string {
  try {
    return String(action());
  } catch (error) {
    return String(error);
  }
}
