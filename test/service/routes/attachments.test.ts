// Attachments: they travel in a batch behind the envelope that names them, and are in the log with it or not at all.
import { createHash } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { utf8 } from "../../../src/protocol/encoding/text.ts";
import { MAX_ATTACHMENT_BYTES } from "../../../src/protocol/entry/attachment.ts";
import type { Envelope } from "../../../src/protocol/envelope/dsse.ts";
import { testKey } from "../../support/keys.ts";
import { kernelPredicate, platformPredicate, sha256Of } from "../../support/release-predicates.ts";
import { problemOf, refusalOf, ServiceHarness } from "../../support/service-harness.ts";
import { signStatement } from "../../support/signing.ts";

let service: ServiceHarness;

beforeAll(async () => {
  service = await ServiceHarness.start();
});
afterAll(() => service.stop());

const hexOf = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
const lineOf = (bytes: Uint8Array) => ({ attachment: Buffer.from(bytes).toString("base64") });

async function naming(
  bytes: Uint8Array,
  name: string,
  { digest = hexOf(bytes), size = bytes.length, signers = [service.keys.publisher] } = {},
): Promise<Envelope> {
  const attachment = { digest, size, mediaType: "application/json" as const };
  const patches = { count: 1, seriesDigest: sha256Of("series"), inline: null, attachment };
  return signStatement("kernel-patch-set", { ...kernelPredicate(name), patches }, signers);
}

const isStored = async (bytes: Uint8Array) =>
  (await service.get(`/v1/attachments/sha256/${hexOf(bytes)}`)).status === 200;

describe("an attachment", () => {
  test("is stored with the entry that names it, and served for ever", async () => {
    const bytes = utf8('["uploaded"]');
    const batch = [await naming(bytes, "uploaded"), lineOf(bytes)];
    expect((await service.publishBatch(batch)).status).toBe(201);
    const read = await service.get(`/v1/attachments/sha256/${hexOf(bytes)}`);
    expect(await read.text()).toBe('["uploaded"]');
    expect(read.headers.get("cache-control")).toMatch(/immutable/);
    expect((await service.publishBatch(batch)).status).toBe(200);
  });

  test("that is in the log already need not come again", async () => {
    const bytes = utf8('["shared"]');
    await service.publishBatch([await naming(bytes, "first"), lineOf(bytes)]);
    expect((await service.publish(await naming(bytes, "second"))).status).toBe(201);
  });

  test("that is not there is 404, under what is no digest 400", async () => {
    expect(await refusalOf(await service.get(`/v1/attachments/sha256/${sha256Of("none")}`))).toBe(
      "404 not-found",
    );
    expect(await refusalOf(await service.get("/v1/attachments/sha256/ABC"))).toBe("400 invalid-parameter");
  });

  test("cannot be uploaded by itself", async () => {
    const put = await service.app.request(`/v1/attachments/sha256/${sha256Of("[]")}`, {
      method: "PUT",
      body: "[]",
    });
    expect(await refusalOf(put)).toBe("405 method-not-allowed");
  });

  test("makes a release of four lists of 16 MiB fit into one batch", async () => {
    const lists = ["a", "b", "c", "d"].map((letter) =>
      utf8(`["${letter.repeat(MAX_ATTACHMENT_BYTES - 4)}"]`),
    );
    const envelopes = await Promise.all(lists.map((bytes, i) => naming(bytes, `large-${i}`)));
    // In any order, as long as each comes after the envelope that names it.
    const lines = [...envelopes, ...lists.map(lineOf).reverse()];
    expect((await service.publishBatch(lines)).status).toBe(201);
    for (const bytes of lists) expect(await isStored(bytes)).toBe(true);
  });
});

describe("a batch with an attachment is refused whole, and leaves nothing of it,", () => {
  const bytes = utf8('["refused"]');
  const refused = async (lines: ReadonlyArray<Envelope | object | string>) => {
    const problem = await problemOf(await service.publishBatch(lines));
    expect(await isStored(bytes)).toBe(false);
    return `${problem.status} ${problem.code} ${problem.line}`;
  };
  const platform = () => signStatement("platform", platformPredicate("unrelated"), [service.keys.publisher]);

  test("when the signers of its envelope are unknown, or may not publish it", async () => {
    const strange = await naming(bytes, "strange", { signers: [await testKey("stranger")] });
    expect(await refused([strange, lineOf(bytes)])).toBe("401 signature-unknown-key 1");
    const policy = await naming(bytes, "policy-key", { signers: [service.keys.policy] });
    expect(await refused([policy, lineOf(bytes)])).toBe("403 not-authorised 1");
  });

  test("when nobody names it, or only later, or with another digest or size", async () => {
    const envelope = await naming(bytes, "named");
    expect(await refused([await platform(), lineOf(bytes)])).toBe("400 malformed 2");
    expect(await refused([lineOf(bytes), envelope])).toBe("400 malformed 1");
    const other = await naming(bytes, "named", { digest: sha256Of("other") });
    expect(await refused([other, lineOf(bytes)])).toBe("400 malformed 2");
    const longer = await naming(bytes, "named", { size: bytes.length + 1 });
    expect(await refused([longer, lineOf(bytes)])).toBe("400 malformed 2");
    expect(await refused([envelope, lineOf(bytes), lineOf(bytes)])).toBe("400 malformed 3");
  });

  test("when another of its lines is refused", async () => {
    const strange = await signStatement("platform", platformPredicate("x"), [await testKey("stranger")]);
    const envelope = await naming(bytes, "good");
    expect(await refused([envelope, lineOf(bytes), strange])).toBe("401 signature-unknown-key 3");
    expect(await refused([envelope])).toBe("422 attachment-missing 1");
  });

  test.each([
    ["not canonical JSON", utf8('[ "spaced" ]'), "422 invalid-entry 2"],
    ["not JSON", utf8("hello"), "422 invalid-entry 2"],
    ["not UTF-8", Uint8Array.of(0xff), "400 malformed 2"],
  ])("when it is %s", async (what, wrong, refusal) => {
    expect(await refused([await naming(wrong, what.replaceAll(" ", "-").toLowerCase()), lineOf(wrong)])).toBe(
      refusal,
    );
  });

  test.each([
    '{"attachment":5}',
    '{"attachment":"Zg"}',
    '{"attachment":"Zm8=","x":1}',
    '{"attachment":"Zm8=" ',
  ])("when its line is %s", async (line) => {
    const problem = await refused([await naming(bytes, "framed"), line]);
    expect(problem).toMatch(/^4(00 malformed|22 invalid-entry) 2$/);
  });

  test("when it is longer than 16 MiB", async () => {
    const long = `{"attachment":"${"A".repeat(24 * 1024 * 1024)}"}`;
    expect(await refused([await naming(bytes, "too-long"), long])).toBe("413 too-large 2");
  });
});
