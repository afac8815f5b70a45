// What the receipt key signs is answered by the node that leads, whichever node a client reaches.
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createApp } from "../../../src/service/app.ts";
import type { LeadingNode } from "../../../src/service/cluster/ask-leader.ts";
import { createForwardedApp, FORWARDED_BY } from "../../../src/service/cluster/forwarded-app.ts";
import { ReceiptIssuer } from "../../../src/service/receipts/receipt-issuer.ts";
import { coseSigner, testKey } from "../../support/keys.ts";
import { refusalOf, ServiceHarness } from "../../support/service-harness.ts";
import { signPlatforms } from "../../support/signing.ts";

const SECRET = "s".repeat(32);
const RECEIPT = "/v1/entries/0/receipt?size=2";

let leader: ServiceHarness;
let asked: string[];

/** A node that has no receipt key, and knows where the one that leads is. */
function follower(place: "here" | LeadingNode | null = { address: "https://a.example", over: never() }) {
  const { service } = leader;
  const { log, origin } = service;
  const forwarded = createForwardedApp(service, SECRET);
  let notReached = 0;
  const app = createApp({
    ...service,
    receipts: new ReceiptIssuer({ log: log.read, origin, signer: null }),
    cluster: {
      node: {
        whereToWrite: async () => place,
        obstacle: null,
        notReached: () => notReached++,
        read: log.read,
        reach: async () => true,
        refresh: async () => undefined,
      },
      forwarding: {
        id: "b",
        secret: SECRET,
        fetch: (async (url: string, init: RequestInit) => {
          const path = url.replace("https://a.example", "");
          if (!path.startsWith("/")) throw new TypeError("fetch failed");
          asked.push(path);
          return forwarded.request(path, init);
        }) as typeof fetch,
      },
    },
  });
  return { app, notReached: () => notReached };
}

const never = () => new AbortController().signal;

/** Each request has an id of its own. */
const textOf = async (answer: Response) => (await answer.text()).replace(/"requestId":"[^"]*"/, "");

async function start(receiptKeys: boolean): Promise<void> {
  const signer = coseSigner(await testKey("receipts"));
  leader = await ServiceHarness.start({
    trustRoot: { receiptKeys: receiptKeys ? [signer.spki] : [] },
    withStatus: false,
    service: { receiptSigner: signer },
  });
  await leader.log.publish(await signPlatforms(leader.keys, "p", 1));
  asked = [];
}

afterEach(() => leader.stop());

describe("a node without the receipt key", () => {
  beforeEach(() => start(true));

  it("answers receipts as the node that leads answers them", async () => {
    const { app } = follower();
    const [here, there] = [await app.request(RECEIPT), await leader.get(RECEIPT)];
    expect(here.status).toBe(200);
    expect(new Uint8Array(await here.arrayBuffer())).toEqual(new Uint8Array(await there.arrayBuffer()));
    for (const field of ["content-type", "cache-control", "access-control-allow-origin"])
      expect([field, here.headers.get(field)]).toEqual([field, there.headers.get(field)]);
    expect(asked).toEqual([RECEIPT]);
  });

  it("passes on consistency, CoSERV and what it offers, and CoRIM; and the refusals of all of them", async () => {
    const { app } = follower();
    const paths = [
      "/v1/consistency.receipt?from=1&to=2",
      "/.well-known/coserv-configuration",
      "/endorsement-distribution/v1/coserv/xx",
      "/v1/policies/prod",
    ];
    const headers = { accept: "application/rim+cose, application/json, application/coserv+cose" };
    for (const path of paths) {
      const [here, there] = [await app.request(path, { headers }), await leader.get(path, headers)];
      expect([path, here.status, await textOf(here)]).toEqual([path, there.status, await textOf(there)]);
    }
    expect(asked).toEqual(paths);
  });

  it("answers bundles and everything else by itself", async () => {
    const { app } = follower();
    await app.request("/v1/policies/prod");
    await app.request("/checkpoint");
    await app.request("/v1/entries/0/proof");
    expect(asked).toEqual([]);
  });

  it.each([null, "here"] as const)("says that it has no key where the leader is %s", async (place) => {
    const { app } = follower(place);
    expect(await refusalOf(await app.request(RECEIPT))).toBe("503 no-receipt-key");
    expect(asked).toEqual([]);
  });

  it("asks nobody for what another node has asked it for", async () => {
    const answer = await follower().app.request(RECEIPT, { headers: { [FORWARDED_BY]: "c" } });
    expect([await refusalOf(answer), asked]).toEqual(["503 no-receipt-key", []]);
  });

  it("says so, and remembers it, where nobody answers", async () => {
    const { app, notReached } = follower({ address: "https://nobody.example", over: never() });
    expect(await refusalOf(await app.request(RECEIPT))).toBe("503 no-receipt-key");
    expect(notReached()).toBe(1);
  });
});

it("asks nobody where the trust root lists no receipt key", async () => {
  await start(false);
  expect(await refusalOf(await follower().app.request(RECEIPT))).toBe("404 receipts-off");
  expect(asked).toEqual([]);
});
