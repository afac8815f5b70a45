// A machine that is not what was published, or that answers the question for evidence in any other way than it should, receives nothing
// else: not a byte of the request, of its header or of its address.
import type { TLSSocket } from "node:tls";
import { afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { bootEvents, makeKeyPair } from "../../src/testing/index.ts";
import { machineOf, type World } from "../support/appraisal-world.ts";
import { GateWorld, outcome, prompt, refusal } from "./gate-world.ts";
import { answerEvidence, type GuestOptions } from "./made-up-guest.ts";

const KIB = 1024;
const MIB = 1024 * KIB;
let world: World;
let log: GateWorld;
beforeAll(async () => {
  world = await GateWorld.make();
});
beforeEach(() => {
  log = new GateWorld(world);
});
afterEach(() => log.end());

test("a machine that runs what was published gets the request, after one question on the same connection", async () => {
  const { guest, gate } = await log.start();
  const answer = await prompt(gate, guest);
  expect([answer.status, await answer.text()]).toEqual([200, "hello"]);
  expect(guest.received).toMatch(/^POST \/v1\/chat\/completions HTTP\/1\.1\r\n/);
  expect(guest.received).toContain("authorization: Bearer secret");
  expect(guest).toMatchObject({ questions: 1, connections: 1 });
  expect(gate.verdict()).toMatchObject({ verdict: { verdict: "trusted", profile: "first" } });
});

const MACHINES: Array<[string, string, GuestOptions["machine"] & object]> = [
  [
    "booted another image",
    "tuple.rtmr1",
    (nonce, channel) => machineOf({ nonce, channel, events: bootEvents("another image") }),
  ],
  [
    "is a debug TD",
    "tdx.policy.debug",
    (nonce, channel) =>
      machineOf({ nonce, channel, tdx: { body: { tdAttributes: Uint8Array.of(1, 0, 0, 16, 0, 0, 0, 0) } } }),
  ],
  [
    "has its GPU's confidential mode off",
    "gpu.cc-mode",
    (nonce, channel) => machineOf({ nonce, channel, claims: { ccMode: "off" } }),
  ],
  [
    "shows evidence that was made for somebody else's nonce",
    "binding.nonce",
    (_, channel) => machineOf({ nonce: new Uint8Array(32).fill(7), channel }),
  ],
  [
    "passes on the evidence of a good one, which was made for another key",
    "binding.report-data",
    async (nonce) => machineOf({ nonce, channel: await makeKeyPair("P-256") }),
  ],
];

describe("nothing is sent to a machine that", () => {
  test.each(MACHINES)("%s: %s", async (_, code, machine) => {
    const { guest, gate } = await log.start({ machine });
    const error = await refusal(prompt(gate, guest));
    expect(error.verdict?.verdict).toBe("rejected");
    expect(error.verdict?.checks.find(({ id }) => id === code)?.outcome).toBe("fail");
    if (code === "binding.report-data") expect(error.message).toMatch(/evidence of another key/);
    expect(error).toMatchObject({ sent: false, ...(code !== "binding.nonce" && { code }) });
    expect(guest).toMatchObject({ received: "", questions: 1 });
    expect(gate.verdict()).toBeNull();
  });
});

const head = (...lines: string[]) => `HTTP/1.1 200 OK\r\n${lines.map((line) => `${line}\r\n`).join("")}\r\n`;
const answering =
  (...pieces: ReadonlyArray<string | Uint8Array>) =>
  (socket: TLSSocket) => {
    for (const piece of pieces) socket.write(piece);
  };
const withEvidence =
  (answer: (bytes: Uint8Array) => ReadonlyArray<string | Uint8Array>) =>
  async (socket: TLSSocket, evidence: () => Promise<Uint8Array>) =>
    answering(...answer(await evidence()))(socket);
const drip = (socket: TLSSocket) => {
  socket.write(head("Content-Length: 1000"));
  const timer = setInterval(() => (socket.destroyed ? clearInterval(timer) : socket.write("x")), 20);
};

const ANSWERS: Array<[string, string, GuestOptions["evidence"] & object]> = [
  [
    "503, evidence is being made",
    "evidence.unavailable",
    answering("HTTP/1.1 503 Busy\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n"),
  ],
  ["404", "evidence.unavailable", answering("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")],
  ["204", "evidence.unavailable", answering("HTTP/1.1 204 No Content\r\n\r\n")],
  [
    "302 to somewhere else",
    "evidence.unavailable",
    answering("HTTP/1.1 302 Found\r\nLocation: https://good.example/\r\nContent-Length: 0\r\n\r\n"),
  ],
  ["103 before anything", "evidence.unavailable", answering("HTTP/1.1 103 Early Hints\r\n\r\n")],
  [
    "HTTP/1.0",
    "evidence.format",
    withEvidence((bytes) => [`HTTP/1.0 200 OK\r\nContent-Length: ${bytes.length}\r\n\r\n`, bytes]),
  ],
  ["something that is no HTTP", "evidence.format", answering("SSH-2.0-OpenSSH_9.9\r\n\r\n")],
  ["a header line that is none", "evidence.format", answering(head("Content-Length: 2", "no field"), "{}")],
  ["0 bytes", "evidence.format", answering(head("Content-Length: 0"))],
  ["{}", "evidence.format", answering(head("Content-Length: 2"), "{}")],
  [
    "a byte order mark",
    "evidence.format",
    withEvidence((bytes) => [
      head(`Content-Length: ${bytes.length + 3}`),
      Uint8Array.of(0xef, 0xbb, 0xbf),
      bytes,
    ]),
  ],
  [
    "a header that never ends",
    "evidence.format",
    answering("HTTP/1.1 200 OK\r\n", `X: ${"x".repeat(17 * KIB)}`),
  ],
  [
    "a header of more than 16 KiB",
    "evidence.format",
    answering(head(`X: ${"x".repeat(17 * KIB)}`, "Content-Length: 2"), "{}"),
  ],
  ["4 MiB and a byte, announced", "evidence.format", answering(head(`Content-Length: ${4 * MIB + 1}`))],
  [
    "9 MB of 4 MiB, in one write",
    "evidence.format",
    answering(head(`Content-Length: ${4 * MIB}`), Buffer.alloc(9_000_000)),
  ],
  [
    "9 MB of 4 MiB, in many",
    "evidence.format",
    answering(head(`Content-Length: ${4 * MIB}`), ...Array.from({ length: 90 }, () => Buffer.alloc(100_000))),
  ],
  ["two lengths", "evidence.format", answering(head("Content-Length: 2", "Content-Length: 2"), "{}")],
  ["no length", "evidence.format", answering(head(), "{}")],
  ["a length that is none", "evidence.format", answering(head("Content-Length: +2"), "{}")],
  [
    "chunks",
    "evidence.format",
    withEvidence((bytes) => [
      head("Transfer-Encoding: chunked"),
      `${bytes.length.toString(16)}\r\n`,
      bytes,
      "\r\n0\r\n\r\n",
    ]),
  ],
  [
    "a length and chunks",
    "evidence.format",
    answering(head("Content-Length: 2", "transfer-encoding: chunked"), "{}"),
  ],
  [
    "a content encoding",
    "evidence.format",
    answering(head("Content-Encoding: gzip", "Content-Length: 2"), "{}"),
  ],
  [
    "Connection: close",
    "evidence.format",
    withEvidence((bytes) => [
      head(`Content-Length: ${bytes.length}`, "Connection: keep-alive, Close"),
      bytes,
    ]),
  ],
  [
    "evidence and an answer that was prepared",
    "evidence.format",
    withEvidence((bytes) => [
      head(`Content-Length: ${bytes.length}`),
      Buffer.concat([bytes, Buffer.from(`${head("Content-Length: 2")}no`)]),
    ]),
  ],
  ["evidence that never ends", "evidence.timeout", answering(head("Content-Length: 1000"), "{")],
  ["a byte now and then", "evidence.timeout", drip],
  ["nothing", "evidence.timeout", () => undefined],
  ["half of it, and hangs up", "unreachable", (socket) => socket.end(`${head("Content-Length: 1000")}{`)],
  ["a reset", "unreachable", (socket) => socket.destroy()],
];

describe("nothing is sent to a machine that answers the question with", () => {
  test.each(ANSWERS)("%s: %s", async (_, code, evidence) => {
    const { guest, gate } = await log.start(
      { evidence },
      code === "evidence.timeout" ? { timeout: 300 } : {},
    );
    expect((await refusal(prompt(gate, guest))).code).toBe(code);
    expect(guest).toMatchObject({ received: "", questions: 1 });
  });

  test("evidence in pieces of one byte: that one is good", async () => {
    const { guest, gate } = await log.start({
      async evidence(socket, evidence) {
        const bytes = await evidence();
        for (const byte of Buffer.from(head(`content-length:${bytes.length}`)))
          socket.write(Uint8Array.of(byte));
        for (let at = 0; at < bytes.length; at += 999) socket.write(bytes.subarray(at, at + 999));
      },
    });
    expect(await outcome(prompt(gate, guest))).toBe("hello");
  });

  test("bytes that it sent before it was asked", async () => {
    const { guest, gate } = await log.start();
    guest.greeting = head("Content-Length: 2");
    expect((await refusal(prompt(gate, guest))).code).toBe("evidence.format");
    expect(guest.received).toBe("");
  });
});

describe("before the verdict", () => {
  test("a body that streams is not read", async () => {
    let pulled = 0;
    const body = () =>
      new ReadableStream<Uint8Array>(
        {
          pull(controller) {
            pulled++;
            controller.enqueue(new TextEncoder().encode("the prompt"));
            controller.close();
          },
        },
        { highWaterMark: 0 },
      );
    const streamed = () => ({ body: body(), duplex: "half" as const });
    const bad = await log.start({ machine: MACHINES[0]![2] });
    expect((await refusal(prompt(bad.gate, bad.guest, streamed()))).code).toBe("tuple.rtmr1");
    expect(pulled).toBe(0);
    const good = await log.start();
    expect(await outcome(prompt(good.gate, good.guest, streamed()))).toBe("hello");
    expect(pulled).toBe(1);
  });

  test("whoever gives up leaves nothing behind", async () => {
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const { guest, gate } = await log.start({
      async evidence(socket, evidence) {
        await held;
        await answerEvidence(socket, evidence);
      },
    });
    const caller = new AbortController();
    const asked = prompt(gate, guest, { signal: caller.signal });
    while (guest.questions === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    caller.abort();
    await expect(asked).rejects.toThrow(/abort/i);
    release();
    expect(await outcome(prompt(gate, guest, { body: "another" }))).toBe("hello");
    expect(guest.received).not.toContain("the prompt");
    const gone = new AbortController();
    gone.abort();
    await expect(prompt(gate, guest, { signal: gone.signal })).rejects.toThrow(/abort/i);
    expect(guest.received).not.toContain("the prompt");
  });

  test("a gate that is closed meanwhile sends nothing", async () => {
    let closing: Promise<void> | undefined;
    const { guest, gate } = await log.start({
      async evidence(socket, evidence) {
        closing = gate.close();
        await answerEvidence(socket, evidence);
      },
    });
    expect((await refusal(prompt(gate, guest))).code).toBe("closed");
    await closing;
    expect((await refusal(prompt(gate, guest))).code).toBe("closed");
    expect(guest.received).toBe("");
  });
});

describe("a refusal", () => {
  test("is remembered for five seconds, so that a herd that retries asks once", async () => {
    const { guest, gate } = await log.start({ machine: MACHINES[0]![2] });
    for (let i = 0; i < 3; i++) expect((await refusal(prompt(gate, guest))).code).toBe("tuple.rtmr1");
    await Promise.all(Array.from({ length: 10 }, () => refusal(prompt(gate, guest))));
    expect(guest).toMatchObject({ questions: 1, received: "" });
    log.later(5_000);
    await refusal(prompt(gate, guest));
    expect(guest.questions).toBe(2);
  });

  test("of one connection is not remembered", async () => {
    const { guest, gate } = await log.start({ evidence: (socket) => socket.destroy() });
    expect((await refusal(prompt(gate, guest))).code).toBe("unreachable");
    guest.options = {};
    expect(await outcome(prompt(gate, guest))).toBe("hello");
  });

  test("names the machine that nobody reaches", async () => {
    const { guest, gate } = await log.start();
    await guest.stop();
    const error = await refusal(prompt(gate, guest));
    expect(error.code).toBe("unreachable");
    expect(error.message).toMatch(/^127\.0\.0\.1:[0-9]+: .*ECONNREFUSED/);
  });
});
