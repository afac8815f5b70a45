// A verdict is about a key, not about a name: every connection is held against the key that it shows itself, by whatever way it came about.
import "reflect-metadata";
import { createServer as createHttpServer, type IncomingMessage } from "node:http";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { TLSSocket } from "node:tls";
import { X509CertificateGenerator } from "@peculiar/x509";
import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { createGate, GateError } from "../../src/gate/index.ts";
import { bootEvents, type KeyPair } from "../../src/testing/index.ts";
import { createMemoryStore } from "../../src/verifier/bundle/state-store.ts";
import { machineOf, type World } from "../support/appraisal-world.ts";
import { GateWorld, outcome, prompt, refusal } from "./gate-world.ts";
import {
  answerEvidence,
  answerOk,
  type GuestOptions,
  identityOf,
  type MadeUpGuest,
} from "./made-up-guest.ts";

const BAD: GuestOptions = {
  machine: (nonce, channel) => machineOf({ nonce, channel, events: bootEvents("another image") }),
};

let world: World;
let log: GateWorld;
const servers: Server[] = [];
beforeAll(async () => {
  world = await GateWorld.make();
});
beforeEach(() => {
  log = new GateWorld(world);
});
afterEach(async () => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  await log.end();
  for (const server of servers.splice(0)) server.close();
});

async function listen(server: Server): Promise<number> {
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return (server.address() as AddressInfo).port;
}

/** Gives each connection to the next machine, below TLS. */
async function balance(...guests: MadeUpGuest[]): Promise<{ origin: string }> {
  let next = 0;
  const port = await listen(
    createServer((socket) => {
      const guest = guests[next++ % guests.length]!;
      const behind = connect(guest.port, "127.0.0.1");
      socket.pipe(behind).pipe(socket);
      for (const end of [socket, behind]) end.on("error", () => undefined);
    }),
  );
  return { origin: `https://127.0.0.1:${port}` };
}

describe("of several machines behind one name", () => {
  test("the good one is served, and the bad one sees no request", async () => {
    const [good, bad] = [await log.guest({ answer: closing }), await log.guest(BAD)];
    const address = await balance(good, bad);
    const gate = await log.gate(address);
    const said: string[] = [];
    for (let i = 0; i < 4; i++) said.push(await outcome(prompt(gate, address)));
    expect(said).toEqual(["hello", "tuple.rtmr1", "hello", "tuple.rtmr1"]);
    expect(good.received.match(/POST/g)).toHaveLength(2);
    expect(good.questions).toBe(1);
    expect(bad.received).toBe("");
  });

  test("one that starts again with a new key is appraised again", async () => {
    const first = await log.guest();
    const gate = await log.gate(first);
    expect(await outcome(prompt(gate, first))).toBe("hello");
    await first.stop();
    const again = await log.guest({}, first.port);
    expect(await outcome(prompt(gate, again))).toBe("hello");
    expect(again.questions).toBe(1);
  });
});

/** Answers, and wants no other request on this connection. */
function closing(socket: TLSSocket): void {
  socket.end("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello");
}

describe("twenty requests at once", () => {
  test("to a machine that nobody knows yet make one question", async () => {
    const { guest, gate } = await log.start();
    const said = await Promise.all(Array.from({ length: 20 }, () => outcome(prompt(gate, guest))));
    expect(new Set(said)).toEqual(new Set(["hello"]));
    expect(guest).toMatchObject({ questions: 1, connections: 20 });
    expect(log.asked).toBe(1);
  });

  test("ask over another connection when the one that asked is lost", async () => {
    const { guest, gate } = await log.start({
      async evidence(socket, evidence) {
        if (guest.questions === 1) socket.destroy();
        else await answerEvidence(socket, evidence);
      },
    });
    const said = await Promise.all(Array.from({ length: 20 }, () => outcome(prompt(gate, guest))));
    expect(said.filter((text) => text === "unreachable")).toHaveLength(1);
    expect(said.filter((text) => text === "hello")).toHaveLength(19);
    expect(guest.questions).toBe(2);
  });

  test("wait for nobody: a second request does not stand behind the first", async () => {
    let release = () => {};
    const { guest, gate } = await log.start({
      answer(socket, request) {
        if (request.includes("slow")) release = () => answerOk(socket);
        else answerOk(socket);
      },
    });
    const slow = outcome(prompt(gate, guest, { body: "slow" }));
    while (!guest.received.includes("slow")) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(await outcome(prompt(gate, guest, { body: "fast" }))).toBe("hello");
    expect(guest.connections).toBe(2);
    release();
    expect(await slow).toBe("hello");
  });
});

describe("a TLS session", () => {
  test("is never resumed, though the machine gives tickets for it", async () => {
    const resumed: boolean[] = [];
    const { guest, gate } = await log.start({
      answer(socket) {
        resumed.push(socket.isSessionReused());
        closing(socket);
      },
    });
    for (let i = 0; i < 3; i++) expect(await outcome(prompt(gate, guest))).toBe("hello");
    expect(guest.connections).toBe(3);
    expect(resumed).toEqual([false, false, false]);
  });

  test("that says it was is refused, since nobody showed a key in it", async () => {
    const { guest, gate } = await log.start();
    vi.spyOn(TLSSocket.prototype, "isSessionReused").mockReturnValue(true);
    expect((await refusal(prompt(gate, guest))).code).toBe("resumed");
    expect(guest).toMatchObject({ questions: 0, received: "" });
  });

  test("of TLS 1.2 is refused", async () => {
    const { guest, gate } = await log.start({ tls: { maxVersion: "TLSv1.2" } });
    expect((await refusal(prompt(gate, guest))).code).toBe("unreachable");
    expect(guest).toMatchObject({ questions: 0, received: "" });
  });

  test("that the machine ends when it wants a certificate of the client", async () => {
    const { guest, gate } = await log.start({ tls: { requestCert: true, rejectUnauthorized: true } });
    expect((await refusal(prompt(gate, guest))).code).toBe("unreachable");
    expect(guest.received).toBe("");
  });

  test("with somebody who shows no certificate", async () => {
    const psk = { psk: Buffer.alloc(32), identity: "x" };
    const { guest, gate } = await log.start({
      tls: { cert: undefined, key: undefined, pskCallback: () => psk.psk },
    });
    expect((await refusal(prompt(gate, guest))).code).toBe("unreachable");
    expect(guest).toMatchObject({ questions: 0, received: "" });
  });

  test("with somebody who speaks no TLS, or nothing", async () => {
    for (const serve of [
      (socket: Socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"),
      () => undefined,
    ]) {
      const origin = `https://127.0.0.1:${await listen(createServer(serve))}`;
      const gate = await log.gate({ origin }, { timeout: 200 });
      expect((await refusal(prompt(gate, { origin }))).code).toBe("unreachable");
    }
  });
});

describe("a key", () => {
  test.each(["rsa", "ed25519"] as const)(
    "of another algorithm is bound like any other: %s",
    async (algorithm) => {
      const { channel, tls } = await otherKey(algorithm);
      const { guest, gate } = await log.start({ channel, tls });
      expect(await outcome(prompt(gate, guest))).toBe("hello");
    },
  );

  test("needs no certificate authority, and where one is asked for, evidence besides", async () => {
    const { guest, gate } = await log.start({}, { tls: { webPki: true } });
    const error = await refusal(prompt(gate, guest));
    expect(error).toMatchObject({ code: "unreachable", message: expect.stringMatching(/self-signed/) });
    expect(guest).toMatchObject({ questions: 0, received: "" });
    const ca = String((await identityOf(guest.channel)).cert);
    const trusting = await log.start({ channel: guest.channel, tls: { cert: ca } }, { tls: { ca } });
    expect(await outcome(prompt(trusting.gate, trusting.guest))).toBe("hello");
    trusting.guest.options = BAD;
    log.later(600_000);
    expect(await outcome(prompt(trusting.gate, trusting.guest))).toBe("tuple.rtmr1");
  });
});

async function otherKey(algorithm: "rsa" | "ed25519") {
  const name =
    algorithm === "rsa"
      ? {
          name: "RSASSA-PKCS1-v1_5",
          hash: "SHA-256",
          modulusLength: 2048,
          publicExponent: Uint8Array.of(1, 0, 1),
        }
      : { name: "Ed25519" };
  const keys = (await crypto.subtle.generateKey(name, true, ["sign", "verify"])) as CryptoKeyPair;
  const certificate = await X509CertificateGenerator.createSelfSigned({
    keys,
    name: "CN=llm.example",
    signingAlgorithm: name,
  });
  const spki = new Uint8Array(await crypto.subtle.exportKey("spki", keys.publicKey));
  const pkcs8 = Buffer.from(await crypto.subtle.exportKey("pkcs8", keys.privateKey)).toString("base64");
  const key = `-----BEGIN PRIVATE KEY-----\n${pkcs8}\n-----END PRIVATE KEY-----\n`;
  // Evidence is made for the SPKI, whatever key it is of.
  const channel = { curve: "P-256", keys, spki, point: new Uint8Array(64) } as unknown as KeyPair;
  return { channel, tls: { key, cert: certificate.toString("pem") } };
}

describe("a proxy", () => {
  test("of the environment is not used", async () => {
    vi.stubEnv("HTTPS_PROXY", "http://127.0.0.1:1");
    vi.stubEnv("NODE_USE_ENV_PROXY", "1");
    const { guest, gate } = await log.start();
    expect(await outcome(prompt(gate, guest))).toBe("hello");
  });

  test("that is named carries a connection to the machine, and sees no more than its name", async () => {
    const asked: IncomingMessage[] = [];
    const proxy = createHttpServer().on("connect", (request, socket) => {
      asked.push(request);
      const behind = connect(Number(request.url?.split(":")[1]), "127.0.0.1", () => {
        socket.write("HTTP/1.1 200 Connected\r\n\r\n");
        socket.pipe(behind).pipe(socket);
      });
      for (const end of [socket, behind]) end.on("error", () => undefined);
    });
    const url = `http://user:secret@127.0.0.1:${await listen(proxy)}`;
    const { guest, gate } = await log.start({}, { proxy: url });
    expect(await outcome(prompt(gate, guest))).toBe("hello");
    expect(asked).toHaveLength(1);
    expect(asked[0]).toMatchObject({ url: `127.0.0.1:${guest.port}` });
    expect(asked[0]!.headers).toMatchObject({ "proxy-authorization": `Basic ${btoa("user:secret")}` });
    expect(guest.questions).toBe(1);
  });

  test("that refuses, or is none, ends it", async () => {
    const refusing = createHttpServer().on("connect", (_, socket) => socket.end("HTTP/1.1 403 No\r\n\r\n"));
    const url = `http://127.0.0.1:${await listen(refusing)}`;
    const { guest, gate } = await log.start({}, { proxy: url });
    const error = await refusal(prompt(gate, guest));
    expect(error).toMatchObject({ code: "unreachable", message: expect.stringMatching(/CONNECT with 403$/) });
    const nobody = await log.gate(guest, { proxy: guest.origin });
    expect((await refusal(prompt(nobody, guest))).code).toBe("unreachable");
    expect(guest).toMatchObject({ questions: 0, received: "" });
  });
});

describe("another place", () => {
  test.each(["http://127.0.0.1:1", "https://other.example"])(
    "that a redirect names gets nothing: %s",
    async (location) => {
      const { guest, gate } = await log.start({
        answer: (socket) =>
          socket.write(`HTTP/1.1 307 Elsewhere\r\nLocation: ${location}/\r\nContent-Length: 0\r\n\r\n`),
      });
      await expect(prompt(gate, guest)).rejects.toMatchObject({ cause: { message: "unexpected redirect" } });
      expect(guest.received.match(/POST/g)).toHaveLength(1);
    },
  );

  test("than the gate's is refused, and so is its own without TLS", async () => {
    const { guest, gate } = await log.start();
    const other = await log.guest();
    expect((await refusal(prompt(gate, other))).code).toBe("origin");
    expect(other.connections).toBe(0);
    const plain = guest.origin.replace("https", "http");
    expect((await refusal(prompt(gate, { origin: plain }))).code).toBe("plaintext");
    const options = {
      log: "https://log.example",
      policy: "production",
      pin: world.pin,
      store: createMemoryStore(),
    };
    expect(() => createGate({ ...options, to: plain })).toThrow(GateError);
    expect(() => createGate({ ...options, to: `${guest.origin}/v1` })).toThrow(TypeError);
  });
});

describe("clients", () => {
  test("use the dispatcher with Node's own fetch", async () => {
    const { guest, gate } = await log.start();
    const init = { method: "POST", body: "the prompt", dispatcher: gate.dispatcher } as RequestInit;
    expect(await (await fetch(`${guest.origin}/v1`, init)).text()).toBe("hello");
    guest.options = BAD;
    log.later(600_000);
    const error = await fetch(`${guest.origin}/v1`, init).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ cause: { name: "GateError", code: "tuple.rtmr1", sent: false } });
    expect(guest.received.match(/POST/g)).toHaveLength(1);
  });

  test("hand over Node's own Request and FormData", async () => {
    const { guest, gate } = await log.start();
    const request = new Request(`${guest.origin}/v1/x`, {
      method: "PUT",
      headers: { "x-own": "1" },
      body: "text",
    });
    expect(await (await gate.fetch(request)).text()).toBe("hello");
    expect(guest.received).toMatch(/^PUT \/v1\/x HTTP\/1\.1\r\n[\s\S]*x-own: 1\r\n/);
    const form = new FormData();
    form.set("file", new Blob(["the file"]), "a.txt");
    expect(await outcome(prompt(gate, guest, { body: form }))).toBe("hello");
    expect(guest.received).toMatch(/content-type: multipart\/form-data; boundary=[\s\S]*the file/);
    expect(guest.received).not.toContain("[object");
  });

  test("send 8 MiB, whole", async () => {
    const { guest, gate } = await log.start();
    const before = guest.received.length;
    expect(await outcome(prompt(gate, guest, { body: "x".repeat(8 * 1024 * 1024) }))).toBe("hello");
    expect(guest.received.length - before).toBeGreaterThan(8 * 1024 * 1024);
  });

  test("are told once of a machine that dies after the prompt: the gate sends nothing twice", async () => {
    const { guest, gate } = await log.start({ answer: (socket) => socket.destroy() });
    await expect(prompt(gate, guest)).rejects.toThrow("fetch failed");
    expect(guest.received.match(/POST/g)).toHaveLength(1);
  });
});
