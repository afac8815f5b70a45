// The local proxy: what a client sends goes to the machine untouched once that is trusted, and what it refuses it says in a way that clients
// show. No page of a browser may use it.
import { request as httpRequest, type IncomingMessage, type OutgoingHttpHeaders } from "node:http";
import { connect } from "node:net";
import { afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Gate } from "../../src/gate/index.ts";
import { type RunningProxy, startProxy } from "../../src/gate/proxy/proxy.ts";
import { bootEvents } from "../../src/testing/index.ts";
import { machineOf, type World } from "../support/appraisal-world.ts";
import { GateWorld, until } from "./gate-world.ts";
import { answerOk, type GuestOptions, type MadeUpGuest } from "./made-up-guest.ts";

const BAD: GuestOptions = {
  machine: (nonce, channel) => machineOf({ nonce, channel, events: bootEvents("another image") }),
};
const FRONT_END =
  "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Own: 1\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nKeep-Alive: timeout=5\r\n" +
  "Connection: keep-alive, X-Hop\r\nX-Hop: 1\r\nTouchstone-Verdict: trusted, by myself\r\n\r\nhi";

let world: World;
let log: GateWorld;
let proxy: RunningProxy;
let guest: MadeUpGuest;
let gate: Gate;
beforeAll(async () => {
  world = await GateWorld.make();
});
beforeEach(() => {
  log = new GateWorld(world);
});
afterEach(async () => {
  await proxy.stop(0);
  await log.end();
});

async function start(
  options: GuestOptions = {},
  change: Parameters<GateWorld["gate"]>[1] = {},
): Promise<void> {
  guest = await log.guest(options);
  gate = await log.gate(guest, { onVerdict: (verdict) => proxy.onVerdict(verdict), ...change });
  proxy = await startProxy({ gate, to: guest.origin, host: "127.0.0.1", port: 0, names: ["gate.internal"] });
}

interface Answer {
  readonly status: number | undefined;
  readonly headers: IncomingMessage["headers"];
  readonly text: string;
}

/** Node's own client, which says exactly what it is told to. */
function ask(
  path: string,
  headers: OutgoingHttpHeaders = {},
  body?: string,
  method = "POST",
): Promise<Answer> {
  const { hostname, port } = new URL(proxy.address);
  return new Promise((resolve, reject) => {
    const request = httpRequest({ host: hostname, port, path, method, headers }, async (answer) => {
      let text = "";
      for await (const piece of answer.setEncoding("utf8")) text += piece;
      resolve({ status: answer.statusCode, headers: answer.headers, text });
    });
    request.on("error", reject).end(body);
  });
}

describe("a request", () => {
  test("goes to the machine as it came, but for what belongs to one connection", async () => {
    await start({ answer: (socket) => socket.write(FRONT_END) });
    const { status, headers, text } = await ask(
      "/v1/chat/completions?stream=1",
      {
        Authorization: "Bearer secret",
        "X-Many": ["1", "2"],
        Connection: "x-hop",
        "X-Hop": "1",
        "Touchstone-Forged": "1",
      },
      "the prompt",
    );
    expect([status, text]).toEqual([200, "hi"]);
    expect(guest.received).toMatch(/^POST \/v1\/chat\/completions\?stream=1 HTTP\/1\.1\r\n/);
    expect(guest.received).toContain(`host: 127.0.0.1:${guest.port}\r\n`);
    expect(guest.received).toMatch(/Authorization: Bearer secret\r\nX-Many: 1\r\nX-Many: 2\r\n/);
    expect(guest.received).toMatch(/\r\ncontent-length: 10\r\n\r\nthe prompt$/);
    expect(guest.received).not.toMatch(/x-hop|forged/i);
    expect(headers).toMatchObject({ "x-own": "1", "set-cookie": ["a=1", "b=2"] });
    expect(headers["touchstone-verdict"]).toBe('trusted, policy="production@1"');
    expect(headers).not.toHaveProperty("x-hop");
  });

  test("without a body, with one of unknown length, and one that waits to be asked for", async () => {
    await start();
    expect((await ask("/", {}, undefined, "GET")).text).toBe("hello");
    expect(guest.received).not.toMatch(/content-length|transfer-encoding/i);
    expect((await ask("/", { "Transfer-Encoding": "chunked" }, "the prompt")).text).toBe("hello");
    expect(guest.received).toMatch(/a\r\nthe prompt\r\n0\r\n\r\n$/);
    const before = guest.received.length;
    const length = 1_000_000;
    expect(
      (await ask("/", { Expect: "100-continue", "Content-Length": length }, "x".repeat(length))).text,
    ).toBe("hello");
    expect(guest.received.slice(before)).not.toMatch(/expect/i);
  });

  test("is aborted at the machine when the client hangs up", async () => {
    let begun = false;
    await start({
      answer(socket) {
        socket.write("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nfirst");
        begun = true;
      },
    });
    const caller = new AbortController();
    const reply = await fetch(proxy.address, { signal: caller.signal });
    await until(() => begun && guest.sockets.size === 1);
    caller.abort();
    await expect(reply.text()).rejects.toThrow(/abort/);
    await until(() => guest.sockets.size === 0);
  });

  test("that is aborted before the verdict leaves nothing behind", async () => {
    await start({ evidence: () => undefined }, { timeout: 300 });
    const caller = new AbortController();
    const asked = fetch(proxy.address, { method: "POST", body: "the prompt", signal: caller.signal });
    await until(() => guest.questions === 1);
    caller.abort();
    await expect(asked).rejects.toThrow(/abort/);
    await until(() => guest.sockets.size === 0);
    expect(guest.received).toBe("");
  });
});

describe("a reply", () => {
  test("streams: each event arrives before the next is made", async () => {
    let next = () => {};
    await start({
      answer(socket) {
        const event = (text: string) => `${(text.length + 8).toString(16)}\r\ndata: ${text}\n\n\r\n`;
        const head =
          "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
        const rest = ["one", "two", "three"].map(event);
        socket.write(head);
        next = () => socket.write(rest.shift() ?? "0\r\n\r\n");
      },
    });
    const reply = await fetch(`${proxy.address}/v1/chat/completions`, { method: "POST", body: "the prompt" });
    expect(reply.headers.get("content-type")).toBe("text/event-stream");
    const reader = reply.body!.pipeThrough(new TextDecoderStream()).getReader();
    for (const word of ["one", "two", "three"]) {
      next();
      expect((await reader.read()).value).toBe(`data: ${word}\n\n`);
    }
    next();
    expect((await reader.read()).done).toBe(true);
  });

  test("that a revocation cuts does not look whole, and the next request is refused", async () => {
    let begun = false;
    await start(
      {
        answer(socket) {
          socket.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n");
          begun = true;
        },
      },
      { statusMaxAge: 60_000 },
    );
    const reply = await fetch(proxy.address);
    await until(() => begun);
    log.revoke();
    log.later(60_000);
    const refused = await ask("/v1", {}, "another");
    expect(refused.status).toBe(502);
    await expect(reply.text()).rejects.toThrow("terminated");
    expect(guest.received.match(/HTTP\/1\.1/g)).toHaveLength(1);
  });

  test("that breaks off before it began is told apart from a refusal: the machine may have the request", async () => {
    await start({ answer: (socket) => socket.destroy() });
    const { status, headers, text } = await ask("/v1", {}, "the prompt");
    expect(status).toBe(502);
    expect(headers["x-should-retry"]).toBeUndefined();
    expect(JSON.parse(text)).toMatchObject({ title: expect.stringMatching(/may have the request/) });
  });
});

describe("a refusal", () => {
  test("says what failed, where OpenAI's clients look for it, and that asking again is of no use", async () => {
    await start(BAD);
    const { status, headers, text } = await ask(
      "/v1/chat/completions",
      { Authorization: "Bearer secret" },
      "the prompt",
    );
    expect(status).toBe(502);
    expect(headers).toMatchObject({
      "content-type": "application/problem+json",
      "x-should-retry": "false",
      connection: "close",
    });
    const document = JSON.parse(text);
    expect(document).toMatchObject({
      type: "urn:touchstone:gate:tuple.rtmr1",
      title: "Nothing was sent: the machine is not trusted",
      status: 502,
      check: "tuple.rtmr1",
      profile: "first",
      policy: { name: "production", version: 1 },
      asOf: log.now.toISOString(),
      error: { type: "touchstone_gate", param: null, code: "tuple.rtmr1", message: document.detail },
    });
    expect(document.failed[0]).toMatchObject({
      id: "tuple.rtmr1",
      entry: expect.stringMatching(/^os-image\//),
    });
    expect(guest.received).toBe("");
  });

  test("reaches a client that is still sending 8 MiB", async () => {
    await start(BAD);
    const { status } = await ask("/v1", {}, "x".repeat(8 * 1024 * 1024));
    expect(status).toBe(502);
    expect(guest.received).toBe("");
  });

  test("of a log that has no such policy says that nothing was sent", async () => {
    await start({}, { policy: "another" });
    const { text } = await ask("/v1", {}, "the prompt");
    expect(JSON.parse(text)).toMatchObject({
      title: "Nothing was sent: the machine could not be appraised",
      check: "bundle",
      profile: null,
      failed: [],
    });
  });
});

describe("a page in a browser may not use it:", () => {
  test.each<[string, number, OutgoingHttpHeaders]>([
    ["a name that resolves here", 421, { Host: "attacker.example" }],
    ["that name with a port", 421, { Host: "attacker.example:8787" }],
    ["a name that begins like ours", 421, { Host: "127.0.0.1.attacker.example" }],
    ["a foreign origin", 403, { Origin: "https://attacker.example" }],
    ["an origin that is hidden", 403, { Origin: "null" }],
    ["an image of another site", 403, { "Sec-Fetch-Site": "cross-site" }],
    ["a page of another port", 403, { "Sec-Fetch-Site": "same-site" }],
  ])("%s: %i", async (_, status, headers) => {
    await start();
    expect((await ask("/v1", headers, "the prompt")).status).toBe(status);
    expect(guest).toMatchObject({ connections: 0 });
  });

  test.each<[string, OutgoingHttpHeaders]>([
    ["no page at all", {}],
    ["localhost", { Host: "localhost:8787" }],
    ["IPv6", { Host: "[::1]:8787" }],
    ["a name that it was given", { Host: "gate.internal" }],
    ["an address typed into a browser", { "Sec-Fetch-Site": "none" }],
  ])("%s is let in", async (_, headers) => {
    await start();
    expect((await ask("/v1", headers, "the prompt")).status).toBe(200);
  });

  test.each([
    [
      "the absolute form",
      "GET http://other.example/ HTTP/1.1\r\nHost: localhost\r\n\r\n",
      /^HTTP\/1\.1 421 /,
    ],
    ["CONNECT", "CONNECT other.example:443 HTTP/1.1\r\nHost: localhost\r\n\r\n", /^HTTP\/1\.1 421 /],
    ["no Host", "GET / HTTP/1.1\r\n\r\n", /^HTTP\/1\.1 421 /],
    [
      "two lengths",
      "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
      /^HTTP\/1\.1 400 /,
    ],
    ["no HTTP", "hello\r\n\r\n", /^HTTP\/1\.1 400 /],
  ])("%s is refused", async (_, bytes, expected) => {
    await start();
    const socket = connect(Number(new URL(proxy.address).port), "127.0.0.1");
    socket.write(bytes);
    let said = "";
    for await (const piece of socket.setEncoding("latin1")) {
      said += piece;
      if (said.includes("\r\n\r\n")) break;
    }
    socket.destroy();
    expect(said).toMatch(expected);
    expect(guest.connections).toBe(0);
  });

  test("an upgrade is not passed on: it is an ordinary request", async () => {
    await start();
    const { status } = await ask("/", { Connection: "Upgrade", Upgrade: "websocket" }, undefined, "GET");
    expect(status).toBe(200);
    expect(guest.received).not.toMatch(/upgrade/i);
  });
});

describe("of itself it says", () => {
  test("the last verdict, and its metrics", async () => {
    await start({ answer: answerOk });
    const own = async (name: string) =>
      (await ask(`/.well-known/touchstone/${name}`, {}, undefined, "GET")).text;
    expect(JSON.parse(await own("verdict"))).toEqual({ to: guest.origin, until: null, verdict: null });
    await ask("/v1", {}, "the prompt");
    expect(JSON.parse(await own("verdict"))).toMatchObject({
      until: expect.stringMatching(/^2026-/),
      verdict: { verdict: "trusted", profile: "first" },
    });
    await ask("/v1", { Origin: "null" }, "the prompt");
    const metrics = await own("metrics");
    expect(metrics).toContain('touchstone_gate_requests_total{outcome="forwarded"} 1');
    expect(metrics).toContain('touchstone_gate_requests_total{outcome="forbidden"} 1');
    expect(metrics).toContain('touchstone_gate_appraisals_total{verdict="trusted"} 1');
    expect(metrics).toMatch(/touchstone_gate_verdict_until_seconds 17[0-9]{8}/);
  });
});
