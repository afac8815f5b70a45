// CoSERV over HTTP: what is offered is served and nothing else is, answers end with the status, and what is not in force is in none of them.
import { setImmediate as turn } from "node:timers/promises";
import { decode, Tagged } from "cborg";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type Cbor, encodeCbor, map } from "../../../src/protocol/cose/cbor.ts";
import { type CoseSigner, parseCoseSign1, verifyCose } from "../../../src/protocol/cose/cose-sign1.ts";
import { importPublicKey } from "../../../src/protocol/cryptography/signature.ts";
import { decodeBase64 } from "../../../src/protocol/encoding/base64.ts";
import { encodeBase64Url } from "../../../src/protocol/encoding/base64url.ts";
import { encodeHex } from "../../../src/protocol/encoding/hex.ts";
import { formatTime } from "../../../src/protocol/entry/fields.ts";
import type { Envelope } from "../../../src/protocol/envelope/dsse.ts";
import { signersOf } from "../../../src/protocol/envelope/dsse.ts";
import { CORIM_PROFILE } from "../../../src/views/corim.ts";
import { policyPredicate, revocationPredicate } from "../../support/document-predicates.ts";
import { coseSigner, testKey } from "../../support/keys.ts";
import { ServiceHarness } from "../../support/service-harness.ts";
import { signStatement } from "../../support/signing.ts";

let service: ServiceHarness;
let policy: Envelope;
let set: Awaited<ReturnType<ServiceHarness["publishPolicy"]>>["set"];
/** @param signer the receipt key of the server; @param listed the keys that the trust root lists; @param expires when that ends. */
async function start(
  signer: CoseSigner | null = null,
  listed = signer ? [signer.spki] : [],
  expires?: string,
): Promise<void> {
  service = await ServiceHarness.start({
    url: "https://log.example/logs/a",
    trustRoot: { receiptKeys: listed, ...(expires && { expires }) },
    service: signer === null ? {} : { receiptSigner: signer },
  });
  ({ set, policy } = await service.publishPolicy());
}
beforeAll(() => start());
afterAll(() => service.stop());

const TAGS = [0, 1, 32, 501, 506, 508, 560];
const readCbor = (bytes: Uint8Array) =>
  decode(bytes, {
    useMaps: true,
    tags: Object.fromEntries(TAGS.map((tag) => [tag, Tagged.decoder(tag)])),
  });
const bodyOf = async (response: Response) =>
  readCbor(new Uint8Array(await response.arrayBuffer())) as Map<number | string, unknown>;

const GUEST = map([1, "Intel Corporation"], [2, "TDX guest"]);
const pathOf = (named: Cbor = GUEST, type = 0, profile: Cbor = CORIM_PROFILE) => {
  const query = map([0, profile], [1, map([0, 2], [1, map([0, [[named]]])], [2, type])]);
  return `/endorsement-distribution/v1/coserv/${encodeBase64Url(encodeCbor(query))}`;
};
const resultsOf = async (path: string) => {
  const response = await service.get(path);
  if (!response.ok) throw new Error(`${response.status}: ${JSON.stringify([...(await bodyOf(response))])}`);
  return (await bodyOf(response)).get(2) as Map<number, unknown>;
};
const countOf = async (path: string) => ((await resultsOf(path)).get(0) as unknown[]).length;
/** Status and detail of a refusal. */
const refusalOf = async (response: Response) => {
  expect(response.headers.get("content-type")).toBe("application/concise-problem-details+cbor");
  const problem = await bodyOf(response);
  expect([...problem.keys()]).toEqual([-1, -2, -4, "urn:touchstone:problem"]);
  expect(problem.get(-4)).toBe(response.status);
  const { code } = Object.fromEntries(problem.get("urn:touchstone:problem") as Map<string, string>);
  return `${response.status} ${code}: ${problem.get(-2)}`;
};
const statusExpires = async () => {
  const { entry } = await service.json<{ entry: { index: number } }>("/v1/status");
  const { envelope } = (await service.log.read.readEntry(entry.index))!;
  return (envelope.statement.predicate as { expires: string }).expires;
};

const inSeconds = (seconds: number) =>
  formatTime(new Date(service.logHarness.clock.now.getTime() + seconds * 1000));
const addPolicy = async (name: string, change: Parameters<typeof policyPredicate>[1]) => {
  const predicate = policyPredicate(set, { name, ...change });
  const other = await signStatement("policy", predicate, [service.keys.policy]);
  await service.log.publish([other]);
  return other;
};

describe("the discovery document", () => {
  const PATH = "/.well-known/coserv-configuration";

  test("leads to the path of queries, and offers no signed result where nothing signs", async () => {
    const response = await service.get(PATH);
    expect(response.headers.get("content-type")).toBe("application/coserv-discovery+json");
    const document = (await response.json()) as Record<string, unknown>;
    expect(document["api-endpoints"]).toEqual({
      CoSERVRequestResponse: "/logs/a/endorsement-distribution/v1/coserv/{query}",
    });
    expect(JSON.stringify(document)).not.toContain("coserv+cose");
  });

  test("is CBOR for who asks for that, and nothing else", async () => {
    const cbor = await service.get(PATH, { accept: "application/coserv-discovery+cbor" });
    expect((await bodyOf(cbor)).get(1)).toBe("0.0.0-test");
    expect(await refusalOf(await service.get(PATH, { accept: "application/json" }))).toMatch(
      /^406 not-acceptable: Accept/,
    );
  });
});

describe("a query by class", () => {
  test("is answered with what the policy in force accepts, by the authority of its signers", async () => {
    const response = await service.get(pathOf());
    expect([response.status, response.headers.get("content-type")]).toEqual([
      200,
      `application/coserv+cbor; profile="${CORIM_PROFILE}"`,
    ]);
    const results = (await bodyOf(response)).get(2) as Map<number, unknown>;
    const [quad] = results.get(0) as Map<number, Tagged[]>[];
    expect(quad?.get(1)?.map(({ value }) => encodeHex(value))).toEqual(signersOf(policy).signers);
    expect(results.get(10)).toMatchObject({ tag: 0, value: await statusExpires() });
  });

  test("of a class that nobody names is an empty list, and no error", async () => {
    const unknown = map([1, "Nobody"], [2, "Nothing"]);
    for (const type of [0, 1, 2]) expect(await countOf(pathOf(unknown, type))).toBe(0);
  });

  test("of the source holds the policy's CoRIM, which names the policy by its digest", async () => {
    const [[type, corim]] = (await resultsOf(pathOf(GUEST, 1))).get(11) as [[string, Uint8Array]];
    expect(type).toBe("application/rim+cbor");
    const unsigned = (readCbor(corim) as unknown as Tagged).value as Map<number, unknown>;
    expect(unsigned.get(0)).toBe(`sha256:${policy.payloadDigest}`);
  });

  test("is 304 where the answer is the same, and varies by what is accepted", async () => {
    const first = await service.get(pathOf());
    const etag = first.headers.get("etag") ?? "";
    expect(first.headers.get("vary")).toContain("accept");
    expect(first.headers.get("link")).toBe('<https://log.example/logs/a/v1/policies>; rel="describedby"');
    const again = await service.get(pathOf(), { "if-none-match": etag });
    expect([again.status, await again.text()]).toEqual([304, ""]);
    expect(again.headers.get("cache-control")).toBe(first.headers.get("cache-control"));
  });
});

describe("what is not served", () => {
  test("a query that cannot be read is 400, and says what is wrong", async () => {
    expect(await refusalOf(await service.get(`${pathOf()}=`))).toMatch(
      /^400 invalid-parameter: query: base64url/,
    );
    expect(await refusalOf(await service.get(pathOf(GUEST, 3)))).toMatch(
      /^400 invalid-parameter: query: .*result type/,
    );
  });

  test("a query of another profile is 406", async () => {
    expect(await refusalOf(await service.get(pathOf(GUEST, 0, "tag:example.com,2025:x")))).toMatch(
      /^406 not-acceptable: the profile of this log is urn:touchstone:corim:v1/,
    );
  });

  test.each([
    "application/coserv+cose",
    "application/cbor",
    'application/coserv+cbor; profile="tag:vendor.com,2025:cc_platform#1.0.0"',
    "application/coserv+cbor;q=0",
  ])("Accept: %s is 406", async (accept) => {
    expect(await refusalOf(await service.get(pathOf(), { accept }))).toMatch(/^406 not-acceptable: Accept/);
  });

  test.each([
    "*/*",
    "application/*",
    "application/coserv+cbor",
    `application/coserv+cose, application/coserv+cbor; profile="${CORIM_PROFILE}"; q=0.5`,
  ])("Accept: %s is served", async (accept) => {
    expect((await service.get(pathOf(), { accept })).status).toBe(200);
  });

  test("another method, a parameter and another path are refused in the same form", async () => {
    const posted = await service.app.request(pathOf(), { method: "POST" });
    expect(await refusalOf(posted)).toMatch(/^405/);
    expect(await refusalOf(await service.get(`${pathOf()}?x=1`))).toMatch(/^400/);
    expect(await refusalOf(await service.get("/endorsement-distribution/v1/other"))).toMatch(/^404/);
  });
});

describe("with a receipt key", () => {
  const SIGNED = { accept: `application/coserv+cose; profile="${CORIM_PROFILE}"` };
  const UNSIGNED = { accept: "application/coserv+cbor" };
  const offered = async () => {
    const { capabilities, ...document } = await service.json<{
      capabilities: { "media-type": string }[];
      "result-verification-key"?: { kid: string }[];
    }>("/.well-known/coserv-configuration");
    const types = capabilities.map((capability) => capability["media-type"].split(";")[0]);
    return { types, keys: document["result-verification-key"]?.map(({ kid }) => kid) };
  };
  const bytesOf = async (response: Response) => new Uint8Array(await response.arrayBuffer());

  test("signs an answer once, however many ask for it at once", async () => {
    const signer = coseSigner(await testKey("receipts"));
    let signed = 0;
    const sign = (message: Uint8Array) => {
      signed++;
      return signer.sign(message);
    };
    await service.stop();
    await start({ ...signer, sign });
    await Promise.all(Array.from({ length: 8 }, () => service.get(pathOf(), SIGNED)));
    expect(signed).toBe(1);
  });

  test("signs the CoRIM of a policy once, however many queries it is a source of", async () => {
    const signer = coseSigner(await testKey("receipts"));
    let signed = 0;
    const sign = (message: Uint8Array) => {
      signed++;
      return signer.sign(message);
    };
    await service.stop();
    await start({ ...signer, sign });
    const sourceOf = async (named: Cbor) => {
      const results = (await bodyOf(await service.get(pathOf(named, 1), UNSIGNED))).get(2);
      return (results as Map<number, [string, Uint8Array][]>).get(11)?.map(([, bytes]) => encodeHex(bytes));
    };
    expect(await sourceOf(GUEST)).toEqual(await sourceOf(map([1, "Intel Corporation"])));
    expect(signed).toBe(1);
  });

  test("makes one answer at a time for those who ask for different ones: what a stranger sends adds up to no crowd", async () => {
    const signer = coseSigner(await testKey("receipts"));
    let [signing, most] = [0, 0];
    const sign = async (message: Uint8Array) => {
      most = Math.max(most, ++signing);
      await turn();
      signing--;
      return signer.sign(message);
    };
    await service.stop();
    await start({ ...signer, sign });
    const asked = Array.from({ length: 8 }, (_, index) => service.get(pathOf(map([4, index])), SIGNED));
    expect((await Promise.all(asked)).map(({ status }) => status)).toEqual(Array(8).fill(200));
    expect(most).toBe(1);
  });

  test("that the trust root lists, answers are signed by it, and so are the CoRIMs in them", async () => {
    const signer = coseSigner(await testKey("receipts"));
    await service.stop();
    await start(signer);
    expect(await offered()).toEqual({
      types: ["application/coserv+cose", "application/coserv+cbor"],
      keys: [signer.keyId],
    });
    const key = await importPublicKey(decodeBase64(signer.spki));
    const verify = async (bytes: Uint8Array) => {
      const message = parseCoseSign1(bytes, "test");
      expect(await verifyCose(message, key, message.payload!)).toBe(true);
      return message.payload!;
    };
    const response = await service.get(pathOf(), SIGNED);
    expect(response.headers.get("content-type")).toBe(SIGNED.accept);
    const unsigned = await service.get(pathOf(), UNSIGNED);
    expect(await verify(await bytesOf(response))).toEqual(await bytesOf(unsigned));
    expect(unsigned.headers.get("etag")).not.toBe(response.headers.get("etag"));
    const source = (await bodyOf(await service.get(pathOf(GUEST, 1), UNSIGNED))).get(2) as Map<
      number,
      unknown
    >;
    const [[type, corim]] = source.get(11) as [[string, Uint8Array]];
    expect(type).toBe("application/rim+cose");
    await verify(corim);
    expect((await service.get(pathOf())).headers.get("content-type")).toBe(SIGNED.accept);
  });

  test.each([
    ["that the trust root does not list", true, []],
    ["that only another server of the log has", false, ["listed"]],
  ])("%s, nothing is signed, and discovery says so", async (_, has, names) => {
    const listed = await Promise.all(names.map(async (name) => coseSigner(await testKey(name)).spki));
    await service.stop();
    await start(has ? coseSigner(await testKey("receipts")) : null, listed);
    expect(await offered()).toEqual({ types: ["application/coserv+cbor"], keys: undefined });
    expect(await refusalOf(await service.get(pathOf(), SIGNED))).toMatch(/^406 not-acceptable/);
    expect((await service.get(pathOf())).status).toBe(200);
  });
});

/** Last in this file: each changes the log. */
describe("as the log goes on, an answer", () => {
  beforeEach(async () => {
    await service.stop();
    await start();
  });

  test("may be kept by caches for a minute, and never for longer than it is good", async () => {
    const ageOf = async () => {
      const header = (await service.get(pathOf())).headers.get("cache-control") ?? "";
      return Number(/^public, max-age=(\d+), must-revalidate$/.exec(header)?.[1]);
    };
    expect(await ageOf()).toBe(60);
    await addPolicy("short", { expires: inSeconds(20) });
    expect(await ageOf()).toBe(20);
    service.logHarness.clock.now = new Date(Date.parse(await statusExpires()));
    expect(await refusalOf(await service.get(pathOf()))).toMatch(
      /^503 bundle-not-acceptable: no policy is in force: (?:checkpoint-stale|status-expired)/,
    );
  });

  test("is never good for longer than the trust root, be there policies or none", async () => {
    const soon = inSeconds(40);
    await service.stop();
    await start(null, [], soon);
    const endOf = async (response: Response) =>
      (((await bodyOf(response)).get(2) as Map<number, unknown>).get(10) as Tagged).value;
    const response = await service.get(pathOf());
    expect(response.headers.get("cache-control")).toBe("public, max-age=40, must-revalidate");
    expect(await endOf(response)).toBe(soon);
    const revocation = revocationPredicate({ name: "all", digests: [policy.payloadDigest] });
    await service.log.publish([await signStatement("revocation", revocation, [service.keys.revocation])]);
    expect(await endOf(await service.get(pathOf()))).toBe(soon);
  });

  test("comes from all policies in force, each of them until it is revoked or has expired", async () => {
    const sources = async () => ((await resultsOf(pathOf(GUEST, 1))).get(11) as unknown[]).length;
    expect(await sources()).toBe(1);
    const second = await addPolicy("second", {});
    expect(await sources()).toBe(2);
    expect(await countOf(pathOf())).toBe(1);
    const revocation = revocationPredicate({ name: "second", digests: [second.payloadDigest] });
    await service.log.publish([await signStatement("revocation", revocation, [service.keys.revocation])]);
    expect(await sources()).toBe(1);
    const soon = inSeconds(60);
    await addPolicy("third", { expires: soon });
    const results = await resultsOf(pathOf(GUEST, 1));
    expect([results.get(11), (results.get(10) as Tagged).value]).toMatchObject([{ length: 2 }, soon]);
    service.logHarness.clock.now = new Date(Date.parse(soon));
    expect(await sources()).toBe(1);
  });

  test("is an empty list where no policy is in force, and 503 where there is no status", async () => {
    const revocation = revocationPredicate({ name: "all", digests: [policy.payloadDigest] });
    await service.log.publish([await signStatement("revocation", revocation, [service.keys.revocation])]);
    const results = await resultsOf(pathOf());
    expect([results.get(0), (results.get(10) as Tagged).value]).toEqual([[], await statusExpires()]);
    const without = await ServiceHarness.start({ withStatus: false });
    expect(await refusalOf(await without.get(pathOf()))).toMatch(
      /^503 bundle-not-acceptable: .*status-missing/,
    );
    await without.stop();
  });
});
