// The gateway inside the machine: what it opens and what it refuses, how its keys change, and how it passes requests on.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Forward, forwardTo } from "../../src/attester/gateway/forward.ts";
import { Gateway, type GatewayOptions } from "../../src/attester/gateway/gateway.ts";
import { ReplayMemory } from "../../src/attester/gateway/replay-memory.ts";
import { GRACE, ROTATION, RotatingKeys } from "../../src/attester/gateway/rotating-keys.ts";
import { decodeUtf8, utf8 } from "../../src/protocol/encoding/text.ts";
import { type BinaryRequest, encodeRequest } from "../../src/sealed/binary-http/request.ts";
import { readResponse } from "../../src/sealed/binary-http/response.ts";
import { piecesOf } from "../../src/sealed/byte-source.ts";
import { type SealedRequest, sealRequest } from "../../src/sealed/oblivious-http/client.ts";
import { FORMS, type Form } from "../../src/sealed/oblivious-http/form.ts";
import {
  type KeyConfiguration,
  parseKeyConfigurations,
} from "../../src/sealed/oblivious-http/key-configuration.ts";
import { joined } from "../sealed/pieces.ts";
import { NOW } from "../support/clock.ts";
import { streaming } from "../support/sealed-machine.ts";

const URL_OF_GATEWAY = "https://llm.example/.well-known/ohttp-gateway";

let now: Date;
let keys: RotatingKeys;
let vouchedFor: Set<Uint8Array>;
let gateway: Gateway;
let served: BinaryRequest[];
let forward: Forward;
beforeEach(async () => {
  now = NOW;
  served = [];
  forward = async () => streaming("one", "two");
  await start();
});

async function start(change: Partial<GatewayOptions> = {}): Promise<void> {
  vouchedFor = new Set();
  keys = await RotatingKeys.make(
    () => now,
    (key) => {
      vouchedFor.add(key);
      return () => vouchedFor.delete(key);
    },
  );
  gateway = new Gateway({
    keys,
    now: () => now,
    authorities: ["llm.example"],
    forward: (request, signal) => {
      served.push(request);
      return forward(request, signal);
    },
    ...change,
  });
}

async function published(): Promise<KeyConfiguration[]> {
  const response = await gateway.fetch(new Request(URL_OF_GATEWAY));
  expect(response.headers.get("content-type")).toBe("application/ohttp-keys");
  return parseKeyConfigurations(new Uint8Array(await response.arrayBuffer()));
}

function request(change: Partial<BinaryRequest> = {}): BinaryRequest {
  const fields = [["date", now.toUTCString()]] as const;
  return {
    method: "POST",
    scheme: "https",
    authority: "llm.example",
    path: "/v1/chat",
    fields,
    content: utf8("ask"),
    ...change,
  };
}

async function seal(
  message: Uint8Array = encodeRequest(request()),
  form: Form = "chunked",
  key?: KeyConfiguration,
): Promise<SealedRequest> {
  return sealRequest(key ?? keys.published[0]!, message, form);
}

const post = (body: Uint8Array, type: string = FORMS.chunked.requestType) =>
  gateway.fetch(
    new Request(URL_OF_GATEWAY, { method: "POST", body: body.slice(), headers: { "content-type": type } }),
  );

async function open(sealed: SealedRequest, response: Response) {
  const reply = await readResponse(sealed.openResponse(piecesOf(response.body)));
  return { ...reply, text: decodeUtf8(await joined(reply.content)) };
}

/** What the machine says to a request, under seal. */
async function answer(change: Partial<BinaryRequest> = {}) {
  const sealed = await seal(encodeRequest(request(change)));
  return open(sealed, await post(sealed.body));
}

describe("a sealed request", () => {
  test.each(["chunked", "whole"] as const)(
    "of the %s form is passed on, and the reply comes back under seal",
    async (form) => {
      const sealed = await seal(undefined, form);
      const response = await post(sealed.body, FORMS[form].requestType);
      expect(response.status).toBe(200);
      expect(Object.fromEntries(response.headers)).toMatchObject({
        "content-type": FORMS[form].responseType,
        "cache-control": "no-store",
        "x-accel-buffering": "no",
        incremental: "?1",
        "access-control-allow-origin": "*",
      });
      expect(await open(sealed, response)).toMatchObject({ status: 200, text: "onetwo" });
      expect(served).toEqual([request()]);
      expect(gateway.underWay).toBe(0);
    },
  );

  test("that does not open is refused with the same words whatever is wrong", async () => {
    const { body } = await seal();
    const [current] = keys.published;
    const unknown = await seal(undefined, "chunked", { ...current!, id: 200 });
    const answers = await Promise.all(
      [
        body.subarray(0, 50),
        body.subarray(0, -1),
        body.map((byte, i) => (i === 60 ? byte ^ 1 : byte)),
        unknown.body,
        new Uint8Array(),
      ].map(async (bad) => {
        const response = await post(bad);
        expect(response.status).toBe(400);
        return response.text();
      }),
    );
    expect(new Set(answers).size).toBe(1);
    expect(JSON.parse(answers[0]!).type).toBe("https://iana.org/assignments/http-problem-types#ohttp-key");
    expect(served).toEqual([]);
  });

  test("is answered once: who sends it again gets nothing of it", async () => {
    const sealed = await seal();
    await open(sealed, await post(sealed.body));
    now = new Date(now.getTime() + 300_000);
    expect(await open(sealed, await post(sealed.body))).toMatchObject({ status: 400 });
    now = new Date(now.getTime() + 1000);
    const late = await open(sealed, await post(sealed.body));
    expect(JSON.parse(late.text).type).toBe("https://iana.org/assignments/http-problem-types#date");
    expect(late.fields).toContainEqual(["date", now.toUTCString()]);
    expect(served.length).toBe(1);
  });

  test.each([
    ["five minutes and a second old", [["date", new Date(NOW.getTime() - 301_000).toUTCString()]]],
    ["five minutes and a second early", [["date", new Date(NOW.getTime() + 301_000).toUTCString()]]],
    ["without a date", []],
    [
      "with two dates",
      [
        ["date", NOW.toUTCString()],
        ["date", NOW.toUTCString()],
      ],
    ],
    ["with a date of another form", [["date", NOW.toISOString()]]],
  ] as const)("is refused %s", async (_, fields) => {
    const { status, text } = await answer({ fields });
    expect({ status, type: JSON.parse(text).type }).toEqual({
      status: 400,
      type: "https://iana.org/assignments/http-problem-types#date",
    });
    expect(served).toEqual([]);
  });

  test("for another machine is not passed on", async () => {
    expect(await answer({ authority: "other.example" })).toMatchObject({ status: 421 });
    expect(await answer({ authority: "" })).toMatchObject({ status: 421 });
    expect(served).toEqual([]);
    expect(await answer({ authority: "LLM.example" })).toMatchObject({ status: 200 });
    const fields = [
      ["host", "llm.example"],
      ["date", NOW.toUTCString()],
    ] as const;
    expect(await answer({ authority: "", fields })).toMatchObject({ status: 200 });
  });

  test("that holds no request is answered so", async () => {
    const sealed = await seal(utf8("not a request"));
    expect(await open(sealed, await post(sealed.body))).toMatchObject({ status: 400 });
  });

  test("that the service does not answer is answered so", async () => {
    forward = async () => {
      throw new Error("ECONNREFUSED");
    };
    expect(await answer()).toMatchObject({ status: 502 });
  });

  test("whose reply breaks off gets no last chunk", async () => {
    forward = async () => ({
      ...streaming(),
      content: (async function* () {
        yield utf8("one");
        throw new Error("out of memory");
      })(),
    });
    const sealed = await seal();
    const { content } = await readResponse(sealed.openResponse(piecesOf((await post(sealed.body)).body)));
    expect(decodeUtf8((await content.next()).value!)).toBe("one");
    await expect(content.next()).rejects.toThrow();
    expect(gateway.underWay).toBe(0);
  });
});

describe("the gateway", () => {
  test("takes no more requests at once than it may, and again when one has ended", async () => {
    await start({ maxUnderWay: 2 });
    const one = await seal();
    const replies = [await post(one.body), await post((await seal()).body)];
    const refused = await post((await seal()).body);
    expect([refused.status, refused.headers.get("retry-after")]).toEqual([503, "1"]);
    await replies[1]!.body!.cancel();
    await open(one, replies[0]!);
    expect(gateway.underWay).toBe(0);
    expect((await post((await seal()).body)).status).toBe(200);
  });

  test("holds no more bytes at once than it may, whoever sends them", async () => {
    await start({ maxHeld: 100_000 });
    const big = () => seal(encodeRequest(request({ content: new Uint8Array(60_000) })));
    const one = await big();
    const reply = await post(one.body);
    expect(reply.status).toBe(200);
    expect((await post((await big()).body)).status).toBe(503);
    expect((await post((await seal()).body)).status).toBe(200);
    await open(one, reply);
    expect((await post((await big()).body)).status).toBe(200);
  });

  test("refuses what is longer than a request may be", async () => {
    await start({ maxContent: 1000 });
    expect((await post(new Uint8Array(1000 + (1 << 20) + 1))).status).toBe(413);
    expect(await answer({ content: new Uint8Array(1001) })).toMatchObject({ status: 400 });
    expect(await answer({ content: new Uint8Array(1000) })).toMatchObject({ status: 200 });
  });

  test("answers any page's preflight, and no other method or type", async () => {
    const ask = (method: string) => gateway.fetch(new Request(URL_OF_GATEWAY, { method }));
    const preflight = await ask("OPTIONS");
    expect([preflight.status, Object.fromEntries(preflight.headers)]).toEqual([
      204,
      {
        "access-control-allow-headers": "content-type",
        "access-control-allow-methods": "GET, POST",
        "access-control-allow-origin": "*",
        "access-control-max-age": "86400",
      },
    ]);
    expect((await ask("PUT")).status).toBe(405);
    expect((await post(utf8("{}"), "application/json")).status).toBe(415);
  });
});

describe("the keys", () => {
  test("are replaced once a day; what was sealed to the one before opens for an hour more, and then never again", async () => {
    const [first, second] = await published();
    expect([first?.id, second?.id]).toEqual([0, 1]);
    now = new Date(NOW.getTime() + ROTATION);
    const [current, next] = await published();
    expect([current, next?.id]).toEqual([second, 2]);
    const sealedToFirst = async () => post((await seal(encodeRequest(request()), "chunked", first)).body);
    now = new Date(NOW.getTime() + ROTATION + GRACE - 1000);
    expect((await sealedToFirst()).status).toBe(200);
    now = new Date(NOW.getTime() + ROTATION + GRACE);
    expect((await sealedToFirst()).status).toBe(400);
    expect(keys.find(0)).toBeUndefined();
    expect([...vouchedFor]).toEqual([second?.publicKey, (await published())[1]?.publicKey]);
  });

  test("are replaced once, however many ask at that moment", async () => {
    now = new Date(NOW.getTime() + ROTATION);
    const lists = await Promise.all(Array.from({ length: 10 }, published));
    expect(new Set(lists.map((list) => JSON.stringify(list.map(({ id }) => id))))).toEqual(
      new Set(["[1,2]"]),
    );
    expect(vouchedFor.size).toBe(3);
  });

  test("have numbers that begin again after 255, and days may be left out", async () => {
    now = new Date(NOW.getTime() + 300 * ROTATION);
    expect((await published()).map(({ id }) => id)).toEqual([300 % 256, 301 % 256]);
    expect(await answer()).toMatchObject({ status: 200 });
  });
});

describe("what is remembered of requests", () => {
  test("is bounded, and forgotten when its date is acceptable no more", () => {
    const memory = new ReplayMemory(2);
    expect(["a", "b", "c"].map((key) => memory.check(key, 0, 0))).toEqual([null, null, "full"]);
    expect(memory.check("a", 300_000, 599_999)).toBe("repeated");
    expect(memory.check("a", 300_001, 600_001)).toBeNull();
  });

  test("holds no request whose date is none", () => {
    expect(new ReplayMemory(1).check("a", Number.NaN, 0)).toBe("date");
  });
});

describe("forwarding over loopback", () => {
  let server: Server;
  let listener: (request: IncomingMessage, response: ServerResponse) => void;
  beforeEach(async () => {
    server = createServer((request, response) => listener(request, response));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    forward = forwardTo((server.address() as AddressInfo).port);
  });
  afterEach(() => {
    server.closeAllConnections();
    server.close();
  });

  test("keeps fields that are of the message, drops those of a connection, and hands over each read", async () => {
    let headers: IncomingMessage["headers"] = {};
    let received = "";
    listener = (request, response) => {
      headers = request.headers;
      request.on("data", (chunk) => {
        received += chunk;
      });
      request.on("end", () => {
        response.writeHead(201, {
          "content-type": "text/event-stream",
          "x-hop": "1",
          connection: "x-hop, keep-alive",
        });
        response.write("one");
        setTimeout(() => response.end("two"), 20);
      });
    };
    const fields = [
      ["date", NOW.toUTCString()],
      ["authorization", "Bearer x"],
      ["x-twice", "1"],
      ["x-twice", "2"],
      ["connection", "x-secret"],
      ["x-secret", "1"],
      ["transfer-encoding", "chunked"],
      ["content-length", "7"],
      ["host", "evil.example"],
    ] as const;
    const reply = await forward(request({ fields, content: utf8("whole") }), new AbortController().signal);
    expect(reply.status).toBe(201);
    expect(reply.fields.filter(([name]) => name !== "date")).toEqual([["content-type", "text/event-stream"]]);
    const reads: string[] = [];
    for await (const read of reply.content) reads.push(decodeUtf8(read));
    expect(reads).toEqual(["one", "two"]);
    expect(received).toBe("whole");
    expect(headers).toMatchObject({ authorization: "Bearer x", "x-twice": "1, 2", "content-length": "5" });
    expect(headers.host).toMatch(/^127\.0\.0\.1:/);
    expect(headers).not.toHaveProperty("x-secret");
    expect(headers).not.toHaveProperty("transfer-encoding");
  });

  test("ends with the one who asked, and throws where the service breaks off", async () => {
    let closed = false;
    listener = (_, response) => {
      response.on("close", () => {
        closed = true;
      });
      response.write("one");
    };
    const abort = new AbortController();
    const reply = await forward(request(), abort.signal);
    abort.abort();
    await expect(joined(reply.content)).rejects.toThrow();
    await expect.poll(() => closed).toBe(true);

    listener = (_, response) => {
      response.writeHead(200, { "content-length": "100" });
      response.write("one", () => response.destroy());
    };
    const broken = await forward(request(), new AbortController().signal);
    await expect(joined(broken.content)).rejects.toThrow();
  });
});
