// Policy bundles: what the service serves as current is what a verifier accepts, and stops being served the moment it is not.
import { brotliDecompressSync, gunzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Cosigner, OwnCosigner } from "../../../src/log/checkpointing/cosigner.ts";
import type { Envelope } from "../../../src/protocol/envelope/dsse.ts";
import type { RememberedState } from "../../../src/verifier/bundle/remembered-state.ts";
import { verifyBundle } from "../../../src/verifier/bundle/verify-bundle.ts";
import { policyPredicate, revocationPredicate } from "../../support/document-predicates.ts";
import type { ReleaseSet } from "../../support/release-set.ts";
import { problemOf, refusalOf, ServiceHarness } from "../../support/service-harness.ts";
import { signPlatforms, signStatement } from "../../support/signing.ts";
import { ORIGIN, witnessKey } from "../../support/witnesses.ts";

let service: ServiceHarness;
let set: ReleaseSet;
let policy: Envelope;

beforeEach(async () => {
  service = await ServiceHarness.start();
  ({ set, policy } = await service.publishPolicy());
});
afterEach(() => service.stop());

const PATH = "/v1/policies/production";
const pin = () => ({
  origin: ORIGIN,
  version: 1,
  digest: service.log.read.inForce.trustRoots[0]?.digest ?? "",
});
const now = () => service.logHarness.clock.now;
const bytesOf = async (response: Response) => new Uint8Array(await response.arrayBuffer());
const verify = async (path: string, remembered: RememberedState | null = null, policy = "production") =>
  verifyBundle(await bytesOf(await service.get(path)), {
    pin: pin(),
    policy,
    now: now(),
    remembered,
  });
const revoke = (name: string, change: Parameters<typeof revocationPredicate>[0]) =>
  signStatement("revocation", revocationPredicate({ name, ...change }), [service.keys.revocation]);

test("the current bundle is accepted by the verifier that everybody has", async () => {
  const verified = await verify(PATH);
  expect([verified.policy.name, verified.policy.version, verified.entries.size]).toEqual([
    "production",
    1,
    6,
  ]);
});

describe("conditional requests and codings", () => {
  test("the same bundle is 304 under its strong ETag, in each coding", async () => {
    for (const coding of ["identity", "gzip", "br"]) {
      const headers = { "accept-encoding": coding };
      const first = await service.get(PATH, headers);
      const etag = first.headers.get("etag") ?? "";
      expect(etag).toMatch(/^"[^"]+"$/);
      expect(first.headers.get("vary")).toBe("accept, accept-encoding");
      const again = await service.get(PATH, { ...headers, "if-none-match": `"other", ${etag}` });
      expect([again.status, await again.text(), again.headers.get("etag")]).toEqual([304, "", etag]);
      expect((await service.get(PATH, { ...headers, "if-none-match": '"other"' })).status).toBe(200);
    }
  });

  test("gzip and brotli hold the same bytes, brotli is preferred, q=0 is obeyed", async () => {
    const plain = Buffer.from(await bytesOf(await service.get(PATH)));
    const gzip = await service.get(PATH, { "accept-encoding": "gzip;q=0.5" });
    const br = await service.get(PATH, { "accept-encoding": "gzip, deflate, br" });
    const none = await service.get(PATH, { "accept-encoding": "br;q=0, gzip;q=0" });
    expect([gzip, br, none].map((r) => r.headers.get("content-encoding"))).toEqual(["gzip", "br", null]);
    expect(gunzipSync(await bytesOf(gzip)).equals(plain)).toBe(true);
    expect(brotliDecompressSync(await bytesOf(br)).equals(plain)).toBe(true);
    expect(Buffer.from(await bytesOf(none)).equals(plain)).toBe(true);
  });

  test("the ETag stays while only the log grows, and changes a few seconds later", async () => {
    const before = (await service.get(PATH)).headers.get("etag");
    await service.log.publish(await signPlatforms(service.keys, "more", 3));
    expect((await service.get(PATH)).headers.get("etag")).toBe(before);
    service.logHarness.clock.now = new Date(now().getTime() + 4_000);
    expect((await service.get(PATH)).headers.get("etag")).not.toBe(before);
    expect((await verify(PATH)).checkpoint.size).toBe(service.log.read.inForce.size);
  });
});

describe("a verifier that was here before", () => {
  test("gets the consistency proof from what it remembers", async () => {
    const { state, checkpoint } = await verify(PATH);
    await service.log.publish(await signPlatforms(service.keys, "more", 40));
    service.logHarness.clock.now = new Date(now().getTime() + 4_000);
    const verified = await verify(`${PATH}?since=${checkpoint.size}`, state);
    expect(verified.checkpoint.size).toBeGreaterThan(checkpoint.size);
    await expect(verify(PATH, state)).rejects.toMatchObject({ code: "consistency-missing" });
  });

  test("of the same size needs none; of a larger one is told so; of size 0 or nonsense is refused", async () => {
    const { state, checkpoint } = await verify(PATH);
    expect((await verify(`${PATH}?since=${checkpoint.size}`, state)).checkpoint.size).toBe(checkpoint.size);
    expect(await refusalOf(await service.get(`${PATH}?since=${checkpoint.size + 1}`))).toBe(
      "404 beyond-tree",
    );
    for (const since of ["0", "", "-1", "1e1", "99999999999999999999"]) {
      expect(await refusalOf(await service.get(`${PATH}?since=${since}`))).toBe("400 invalid-parameter");
    }
  });
});

describe("a bundle is not served as current any more", () => {
  async function reasonOf(path = PATH): Promise<string | undefined> {
    const response = await service.get(path);
    const problem = await problemOf(response);
    expect([problem.status, problem.code]).toEqual([503, "bundle-not-acceptable"]);
    expect(Number(response.headers.get("retry-after"))).toBeGreaterThan(0);
    return problem.reason;
  }

  test("as soon as an entry of it is revoked", async () => {
    await service.get(PATH);
    const start = performance.now();
    expect((await service.publish(await revoke("cve", { digests: [set.image.payloadDigest] }))).status).toBe(
      201,
    );
    expect(await reasonOf()).toBe("entry-revoked");
    expect(performance.now() - start).toBeLessThan(2_000);
    expect(await reasonOf(`${PATH}?since=1`)).toBe("entry-revoked");
    expect(await reasonOf(`${PATH}/1`)).toBe("entry-revoked");
  });

  test("as soon as the policy is revoked, or a key that signed it", async () => {
    await service.get(PATH);
    await service.publish(
      await revoke("stolen", {
        keys: [{ keyId: service.keys.publisher.keyId, fromIndex: 0, toIndex: 1000 }],
      }),
    );
    expect(await reasonOf()).toBe("entry-revoked");
    await service.publish(await revoke("policy", { digests: [policy.payloadDigest] }));
    expect(await reasonOf()).toBe("policy-revoked");
  });

  test("when the policy or the trust root expires", async () => {
    await service.get(PATH);
    service.logHarness.clock.now = new Date(now().getTime() + 31 * 86_400_000);
    service.log.runDueWork();
    await expect
      .poll(async () => (await problemOf(await service.get(PATH))).reason)
      .toBe("policy-not-in-force");
  });

  test("and the refusal is remembered for a moment, so that asking costs nothing", async () => {
    await service.publish(await revoke("cve", { digests: [set.image.payloadDigest] }));
    const ids = await Promise.all(
      [1, 2, 3].map(async () => (await problemOf(await service.get(PATH))).requestId),
    );
    expect(new Set(ids).size).toBe(3);
  });
});

test("a new version replaces the old one at once, which is then served as historical and refused by verifiers", async () => {
  await service.get(PATH);
  const next = policyPredicate(set, { version: 2, previous: policy.payloadDigest });
  await service.publish(await signStatement("policy", next, [service.keys.policy]));
  expect((await verify(PATH)).policy.version).toBe(2);
  const old = (await service.json<{ historical: boolean }>(`${PATH}/1`)).historical;
  expect(old).toBe(true);
  await expect(verify(`${PATH}/1`)).rejects.toMatchObject({ code: "policy-historical" });
  expect((await verify(`${PATH}/2`)).policy.version).toBe(2);
});

test("names and versions that do not exist are 404, impossible ones 400; a slash in a name is %2F", async () => {
  expect(await refusalOf(await service.get("/v1/policies/none"))).toBe("404 not-found");
  expect(await refusalOf(await service.get(`${PATH}/7`))).toBe("404 not-found");
  expect(await refusalOf(await service.get(`${PATH}/x`))).toBe("400 invalid-parameter");
  expect(await refusalOf(await service.get("/v1/policies/NOT%20A%20NAME"))).toBe("400 invalid-parameter");
  const predicate = policyPredicate(set, { name: "team/blue" });
  await service.publish(await signStatement("policy", predicate, [service.keys.policy]));
  expect((await verify("/v1/policies/team%2Fblue", null, "team/blue")).policy.name).toBe("team/blue");
  expect((await verify("/v1/policies/team%2Fblue/1", null, "team/blue")).policy.name).toBe("team/blue");
});

test("a log without a status has no bundle, and says why", async () => {
  const bare = await ServiceHarness.start({ withStatus: false });
  try {
    await bare.publishPolicy();
    const problem = await problemOf(await bare.get(PATH));
    expect([problem.status, problem.code]).toEqual([503, "bundle-not-acceptable"]);
    expect(await refusalOf(await bare.get("/v1/status"))).toBe("404 not-found");
  } finally {
    await bare.stop();
  }
});

test("a revocation that waits for the quorum counts already", async () => {
  const late = await LateCosigner.make(() => late.clock());
  const waiting = await ServiceHarness.start({
    cosigners: [late],
    logLimits: { publishWaitMs: 100, retryMs: 20 },
  });
  try {
    late.clock = () => waiting.logHarness.clock.now;
    const { set: released } = await waiting.publishPolicy();
    expect((await waiting.get(PATH)).status).toBe(200);
    late.isAway = true;
    const predicate = revocationPredicate({ digests: [released.image.payloadDigest] });
    const revocation = await signStatement("revocation", predicate, [waiting.keys.revocation]);
    const response = await waiting.publish(revocation);
    expect([response.status, Number(response.headers.get("retry-after"))]).toEqual([202, 5]);
    const { index, state } = (await response.json()) as { index: number; state: string };
    expect(state).toBe("awaiting-cosignature");
    expect(await refusalOf(await waiting.get(`/v1/entries/${index}`))).toBe("404 beyond-tree");
    expect((await problemOf(await waiting.get(PATH))).reason).toBe("entry-revoked");
    late.isAway = false;
    await expect.poll(async () => (await waiting.publish(revocation)).status, { timeout: 10_000 }).toBe(200);
    expect((await waiting.get(`/v1/entries/${index}`)).status).toBe(200);
  } finally {
    await waiting.stop();
  }
});

/** The log's own cosigner, which a test sends away for a while. */
class LateCosigner implements Cosigner {
  readonly name: string;
  isAway = false;
  clock: () => Date = () => new Date();
  readonly #own: OwnCosigner;

  private constructor(own: OwnCosigner) {
    this.#own = own;
    this.name = own.name;
  }

  static async make(clock: () => Date): Promise<LateCosigner> {
    return new LateCosigner(new OwnCosigner(await witnessKey("own.example"), clock));
  }

  async gather(request: Parameters<OwnCosigner["gather"]>[0]): Promise<string[]> {
    return this.isAway ? [] : this.#own.gather(request);
  }
}
