// Policies as CoRIM over HTTP: what is in force, for as long as status and policy say, signed by the receipt key; other profiles are refused.

import { Tagged } from "cborg";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { decodeStrictCbor } from "../../../src/protocol/cose/cbor.ts";
import { type CoseSigner, parseCoseSign1, verifyCose } from "../../../src/protocol/cose/cose-sign1.ts";
import { importPublicKey } from "../../../src/protocol/cryptography/signature.ts";
import { decodeBase64 } from "../../../src/protocol/encoding/base64.ts";
import { verifyReceipt } from "../../../src/verifier/receipt/verify-receipt.ts";
import { coseSigner, testKey } from "../../support/keys.ts";
import { refusalOf, ServiceHarness } from "../../support/service-harness.ts";

const PATH = "/v1/policies/production";
const PROFILE = "urn:touchstone:corim:v1";
const [CBOR, COSE] = ["application/rim+cbor", "application/rim+cose"];

let harness: ServiceHarness;
let signer: CoseSigner;

async function start(receiptKeys: readonly string[], own: CoseSigner | null): Promise<void> {
  harness = await ServiceHarness.start({
    trustRoot: { receiptKeys: [...receiptKeys] },
    service: own === null ? {} : { receiptSigner: own },
  });
  await harness.publishPolicy();
  while ((harness.log.read.inForce.status?.index ?? 0) < harness.log.read.inForce.changedAt)
    await new Promise((resolve) => setTimeout(resolve, 10));
}
const ask = (accept: string, path = PATH) => harness.get(path, { accept });
const typeOf = async (accept: string) => (await ask(accept)).headers.get("content-type");
const bytesOf = async (response: Response) => new Uint8Array(await response.arrayBuffer());

beforeEach(async () => {
  signer = coseSigner(await testKey("receipts"));
});
afterEach(() => harness.stop());

/** The map of an unsigned CoRIM, and its validity as times. */
function read(bytes: Uint8Array): { id: unknown; validity: Date[] } {
  const tags = Object.fromEntries([1, 32, 501, 506, 508].map((tag) => [tag, Tagged.decoder(tag)]));
  const { tag, value } = decodeStrictCbor(bytes, "CoRIM", { useMaps: true, tags }) as Tagged;
  expect(tag).toBe(501);
  const corim = value as Map<number, unknown>;
  const validity = corim.get(4) as Map<number, Tagged>;
  return {
    id: corim.get(0),
    validity: [...validity.values()].map((time) => new Date(Number(time.value) * 1000)),
  };
}

describe("a log with a receipt key", () => {
  beforeEach(() => start([signer.spki], signer));

  it("answers with the policy in force as CoRIM, until the status ends, which is before the policy does", async () => {
    const answer = await ask(CBOR!);
    const { policies } = await harness.json<{
      policies: Array<{ digest: string; index: number; expires: string }>;
    }>("/v1/policies");
    const [policy] = policies;
    const status = await harness.json<{ entry: { envelope: { payload: string } } }>("/v1/status");
    const { predicate } = JSON.parse(atob(status.entry.envelope.payload)) as {
      predicate: { expires: string };
    };
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      "content-type": `${CBOR}; profile="${PROFILE}"`,
      "cache-control": "no-cache",
      vary: "accept, accept-encoding",
      link: `<../entries/${policy!.index}/receipt>; rel="receipt"`,
    });
    const { id, validity } = read(await bytesOf(answer));
    expect(id).toBe(`sha256:${policy!.digest}`);
    expect(validity[1]).toEqual(new Date(predicate.expires));
    expect(Date.parse(policy!.expires)).toBeGreaterThan(validity[1]!.getTime());
  });

  it("links it to a receipt of the policy's entry", async () => {
    const [, target = ""] = /^<(.*)>/.exec((await ask(CBOR!)).headers.get("link") ?? "") ?? [];
    const { pathname } = new URL(target, `https://log.example${PATH}`);
    const index = Number(pathname.split("/").at(-2));
    const { leaf } = (await harness.log.read.entry(index))!;
    const { root } = harness.log.read.inForce.trustRoots[0]!;
    await verifyReceipt(await bytesOf(await harness.get(pathname)), leaf, root);
  });

  it("answers with the same, signed by the receipt key", async () => {
    const plain = await bytesOf(await ask(CBOR!));
    const answer = await ask(COSE!);
    expect(answer.headers.get("content-type")).toBe(`${COSE}; profile="${PROFILE}"`);
    const message = parseCoseSign1(await bytesOf(answer), "signed CoRIM");
    expect(message.payload).toEqual(plain);
    const key = await importPublicKey(decodeBase64(signer.spki));
    expect(await verifyCose(message, key, message.payload!)).toBe(true);
  });

  it("answers with 304 to who has it, and with other bytes when the status is another", async () => {
    const first = await ask(COSE!);
    const etag = first.headers.get("etag") ?? "";
    const again = await harness.get(PATH, { accept: COSE!, "if-none-match": etag });
    expect(again.status).toBe(304);
    expect((await ask(CBOR!)).headers.get("etag")).not.toBe(etag);
    expect((await harness.get(PATH)).headers.get("etag")).not.toBe(etag);
  });

  it("gives a bundle to whoever does not prefer CoRIM", async () => {
    const bundle = "application/vnd.touchstone.policy-bundle+json";
    for (const accept of [
      "*/*",
      "application/*",
      "application/json, application/rim+cbor;q=0.5",
      "text/html, */*;q=0.1",
    ])
      expect(await typeOf(accept), accept).toBe(bundle);
    expect(await typeOf(`${CBOR}, ${bundle};q=0.9`)).toContain(CBOR);
    expect(await typeOf(`${CBOR};q=0.1, ${COSE};q=0.2`)).toContain(COSE);
    expect(await typeOf("APPLICATION/RIM+CBOR")).toContain(CBOR);
  });

  it("refuses another profile, unless the client takes something else", async () => {
    expect(await typeOf(`${CBOR}; profile="${PROFILE}"`)).toContain(CBOR);
    expect(await refusalOf(await ask(`${CBOR}; profile="urn:other"`))).toBe("406 not-acceptable");
    expect(await refusalOf(await ask(`${COSE}; profile="2.16.840.1.113741.1.16.1"`))).toBe(
      "406 not-acceptable",
    );
    expect(await typeOf(`${CBOR}; profile="urn:other", application/json`)).toContain("json");
    expect(await typeOf(`${CBOR}; profile="urn:other", ${COSE}`)).toContain(COSE);
  });

  it("has no CoRIM of a policy that is not there, nor since a size, nor of one that no verifier takes", async () => {
    expect(await refusalOf(await ask(CBOR!, "/v1/policies/nobody"))).toBe("404 not-found");
    expect(await refusalOf(await ask(CBOR!, `${PATH}?since=1`))).toBe("400 invalid-parameter");
    harness.logHarness.clock.now = new Date(harness.logHarness.clock.now.getTime() + 90 * 86_400_000);
    expect(await refusalOf(await ask(CBOR!))).toBe("503 bundle-not-acceptable");
    expect(await refusalOf(await ask(COSE!))).toBe("503 bundle-not-acceptable");
  });
});

it("a log without a receipt key has it unsigned, and links to no receipt", async () => {
  await start([], signer);
  const answer = await ask(CBOR!);
  expect([answer.status, answer.headers.get("link")]).toEqual([200, null]);
  expect(await refusalOf(await ask(COSE!))).toBe("404 receipts-off");
});

it("a server without the log's receipt key has it unsigned, and sends elsewhere for the other", async () => {
  await start([signer.spki], null);
  const answer = await ask(CBOR!);
  expect([answer.status, answer.headers.get("link")]).toEqual([200, expect.stringContaining("receipt")]);
  expect(await refusalOf(await ask(COSE!))).toBe("503 no-receipt-key");
});
