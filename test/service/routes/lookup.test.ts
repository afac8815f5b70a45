// Lookups over HTTP: what is answered verifies, and what cannot be answered says why by name.
import { rmSync } from "node:fs";
import Sqlite from "better-sqlite3";
import { afterEach, describe, expect, it, vi } from "vitest";
import { LOOKUP_MEDIA_TYPE } from "../../../src/protocol/lookup/lookup-answer.ts";
import { termsOf } from "../../../src/protocol/lookup/term.ts";
import { verifyLookup } from "../../../src/verifier/lookup/verify-lookup.ts";
import { revocationPredicate } from "../../support/document-predicates.ts";
import { problemOf, refusalOf, ServiceHarness } from "../../support/service-harness.ts";
import { signPlatforms, signStatement } from "../../support/signing.ts";

let harness: ServiceHarness;

afterEach(() => harness.stop());

const start = async (index = true, withStatus = true) => {
  harness = await ServiceHarness.start({ trustRoot: { index }, withStatus });
};
const pathOf = (type: string, value: string) => `/v1/lookup/${type}/${encodeURIComponent(value)}`;
const pin = () => {
  const { digest, root } = harness.log.read.inForce.trustRoots[0]!;
  return { origin: root.origin, version: 1, digest };
};
const NOTHING = "00".repeat(32);

async function ask(type: string, value: string, query = "") {
  const response = await harness.get(`${pathOf(type, value)}${query}`);
  expect(response.status, await response.clone().text()).toBe(200);
  const bytes = new Uint8Array(await response.arrayBuffer());
  const now = harness.logHarness.clock.now;
  return {
    response,
    verified: await verifyLookup(bytes, { pin: pin(), type, value, now, remembered: null }),
  };
}

describe("a lookup", () => {
  it("answers every term of every entry below the status, and verifies", async () => {
    await start();
    const { set, policy } = await harness.publishPolicy();
    const { treeSize } = harness.log.read.inForce.status!;
    for (const envelope of [set.image, policy])
      for (const { type, value } of termsOf(envelope)) {
        const { verified } = await ask(type, value);
        const record = await harness.log.read.findByDigest(envelope.payloadDigest);
        expect(verified.indices).toContain(record?.index);
        expect(verified).toMatchObject({ isComplete: true, size: treeSize });
      }
  });

  it("answers that nothing has a term, and does not say so of what was published since the status", async () => {
    await start();
    expect((await ask("digest", NOTHING)).verified).toMatchObject({ indices: [], size: 1 });
    const [platform] = await signPlatforms(harness.keys, "new", 1);
    await harness.log.publish([platform!]);
    const { payloadDigest } = platform!;
    expect((await ask("payload", payloadDigest)).verified).toMatchObject({ indices: [], size: 1 });
    const revocation = revocationPredicate({ digests: [payloadDigest] });
    await harness.log.publish([await signStatement("revocation", revocation, [harness.keys.revocation])]);
    expect((await ask("payload", payloadDigest)).verified.indices).toEqual([2]);
    expect((await ask("digest", payloadDigest)).verified.indices).toEqual([3]);
  });

  it("may be kept until the log has more, and proves that the tree grew out of the one that was seen", async () => {
    await start();
    const { response, verified } = await ask("digest", NOTHING);
    expect(response.headers.get("content-type")).toBe(LOOKUP_MEDIA_TYPE);
    expect(response.headers.get("cache-control")).toBe("no-cache");
    const again = await harness.get(pathOf("digest", NOTHING), {
      "if-none-match": response.headers.get("etag")!,
    });
    expect(again.status).toBe(304);
    await harness.publishPolicy();
    const since = await harness.get(`${pathOf("digest", NOTHING)}?since=${verified.checkpoint.size}`);
    const bytes = new Uint8Array(await since.arrayBuffer());
    const asked = { pin: pin(), type: "digest", value: NOTHING, now: harness.logHarness.clock.now };
    await expect(verifyLookup(bytes, { ...asked, remembered: verified.state })).resolves.toBeDefined();
  });

  it("shows the newest 1,000 of more entries", async () => {
    await start();
    const platforms = await signPlatforms(harness.keys, "many", 1002);
    for (let i = 0; i < platforms.length; i += 501) await harness.log.publish(platforms.slice(i, i + 501));
    const revocation = revocationPredicate({ digests: [platforms[0]!.payloadDigest] });
    await harness.log.publish([await signStatement("revocation", revocation, [harness.keys.revocation])]);
    const { verified } = await ask("signer", harness.keys.publisher.keyId);
    expect(verified.isComplete).toBe(false);
    expect(verified.indices).toHaveLength(1000);
    expect(verified.indices.at(-1)).toBe(1003);
  }, 60_000);

  it.each([
    ["a type that there is not", "/v1/lookup/colour/red", "400 invalid-parameter"],
    ["hex in upper case", `/v1/lookup/digest/${"AB".repeat(32)}`, "400 invalid-parameter"],
    ["no digest", "/v1/lookup/digest/abc", "400 invalid-parameter"],
    ["a name without its kind", "/v1/lookup/name/production", "400 invalid-parameter"],
    ["a slash that is not written %2F", "/v1/lookup/name/policy/production", "404 not-found"],
    ["another parameter", `/v1/lookup/digest/${NOTHING}?limit=3`, "400 invalid-parameter"],
    ["no size", `/v1/lookup/digest/${NOTHING}?since=x`, "400 invalid-parameter"],
    ["a size that the log does not have", `/v1/lookup/digest/${NOTHING}?since=99`, "404 beyond-tree"],
    ["a long value", `/v1/lookup/measurement/vbios%2F${"A".repeat(5000)}`, "400 invalid-parameter"],
    ["a value with a NUL", "/v1/lookup/measurement/driver%2F%00", "400 invalid-parameter"],
  ])("is refused: %s", async (_what, path, refusal) => {
    await start();
    expect(await refusalOf(await harness.get(path))).toBe(refusal);
  });

  it("says that the log keeps no index where its trust root says so", async () => {
    await start(false);
    expect(await refusalOf(await harness.get(pathOf("digest", NOTHING)))).toBe("404 index-not-kept");
  });

  it("says to come back where no status states the index yet", async () => {
    await start(true, false);
    const response = await harness.get(pathOf("digest", NOTHING));
    expect(response.headers.get("retry-after")).toBe("5");
    expect(await refusalOf(response)).toBe("503 index-not-ready");
  });

  it("says to come back while a file is built again that was found damaged, and then answers", async () => {
    await start();
    await harness.publishPolicy();
    await ask("digest", NOTHING);
    const { indexFile } = harness.logHarness;
    const database = new Sqlite(indexFile);
    database.exec("UPDATE pages SET page = zeroblob(length(page))");
    database.close();
    const { code, detail } = await problemOf(await harness.get(pathOf("digest", NOTHING)));
    expect(code).toBe("index-not-ready");
    expect(detail).not.toContain(indexFile);
    await vi.waitFor(() => ask("digest", NOTHING), { timeout: 20_000 });
  });

  it("goes on from the file that is open where somebody removes it", async () => {
    await start();
    await ask("digest", NOTHING);
    rmSync(harness.logHarness.indexFile);
    await ask("digest", NOTHING);
  });
});
