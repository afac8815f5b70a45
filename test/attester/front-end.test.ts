// The front end in the machine, whole: TLS by its own key, evidence, sealed requests, and a service beside it that speaks over loopback alone.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { type AddressInfo, connect as connectTcp } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, type TLSSocket } from "node:tls";
import { pino } from "pino";
import { Agent, fetch as undiciFetch } from "undici";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { makeTlsKey, type TlsKey } from "../../src/attester/front-end/tls-key.ts";
import { serveEvidence } from "../../src/cli/serve-evidence.ts";
import { createGate } from "../../src/gate/index.ts";
import type { RunningServer } from "../../src/http/server.ts";
import { createSealedFetch } from "../../src/sealed/index.ts";
import { createMemoryStore } from "../../src/verifier/index.ts";
import { machineOf, makeWorld, type World } from "../support/appraisal-world.ts";
import { NOW } from "../support/clock.ts";
import { readProject } from "../support/example-build.ts";
import { freePort } from "../support/free-port.ts";
import { MadeUpGuest } from "../support/made-up-guest.ts";
import { runCli } from "../support/run-cli.ts";

let guest: MadeUpGuest;
let tls: TlsKey;
let service: Server;
let overTls: RunningServer;
let behindTerminator: RunningServer;
const received: { path: string; authorization: string | undefined; body: string }[] = [];
const logged: string[] = [];
/** Lets the service say the rest of its reply. */
let goOn: () => void = () => undefined;

const LOG = "https://log.example";
/** A network on which the log answers, and anybody's certificate is taken, as a relay's is. */
const networkOf = (world: World): typeof fetch => {
  const dispatcher = new Agent({ connect: { rejectUnauthorized: false } });
  return async (input, init) => {
    if (String(input).startsWith(LOG)) return new Response(world.bundle.slice());
    return undiciFetch(input as string, { ...(init as object), dispatcher }) as unknown as Promise<Response>;
  };
};

async function start(change: { tls: TlsKey | null; authorities: string[] }): Promise<RunningServer> {
  const option = (name: string) => guest.options[guest.options.indexOf(name) + 1] ?? "";
  const logger = pino({ level: "info" }, { write: (line: string) => void logged.push(line) });
  return serveEvidence(
    {
      root: guest.root,
      collect: [option("--collect")],
      nvidiaSmi: option("--nvidia-smi"),
      collateral: [option("--collateral")],
      revocation: [option("--revocation")],
      tlsKey: tls.spki,
      tls: change.tls,
      frontEnd: { port: (service.address() as AddressInfo).port, authorities: change.authorities },
      listen: { host: "127.0.0.1", port: 0 },
      requestsPerMinute: 600,
      trustedProxies: 0,
      refresh: 60,
    },
    logger,
    {
      environment: {},
      now: () => NOW,
      fetch: () => Promise.reject(new Error("this test has no network")),
      print: () => {},
      warn: () => {},
      interactive: false,
      confirm: async () => true,
      reportFolder: guest.reportFolder,
    },
  );
}

beforeAll(async () => {
  guest = await MadeUpGuest.start(await machineOf());
  tls = await makeTlsKey(["llm.example", "127.0.0.1"], NOW);
  service = createServer(async (request, response) => {
    let body = "";
    for await (const piece of request) body += piece;
    received.push({ path: request.url ?? "", authorization: request.headers.authorization, body });
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.write("data: one\n\n");
    goOn = () => response.end("data: two\n\n");
  });
  await new Promise<void>((resolve) => service.listen(0, "127.0.0.1", resolve));
  // The port is known when it listens, and the authority has it.
  overTls = await start({ tls, authorities: [] });
  behindTerminator = await start({ tls: null, authorities: ["llm.example"] });
});
afterAll(async () => {
  await overTls?.stop();
  await behindTerminator?.stop();
  service?.close();
  guest?.stop();
});

async function worldFor(channel: "hpke" | "tls-spki"): Promise<World> {
  return makeWorld(guest.machine, { binding: { channel } });
}

/** The first event is there before the service says the second. */
async function expectStreamed(response: Response): Promise<void> {
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  const decoder = new TextDecoder();
  expect(decoder.decode((await reader.read()).value)).toBe("data: one\n\n");
  goOn();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) break;
    rest += decoder.decode(value);
  }
  expect(rest).toBe("data: two\n\n");
}

const common = (world: World) => ({
  log: LOG,
  policy: "production",
  pin: world.pin,
  store: createMemoryStore(),
  now: () => NOW,
  roots: guest.machine.roots,
});

const nginx = ["/usr/sbin/nginx", "/usr/bin/nginx"].find(existsSync) ?? null;

/** nginx with the configuration of docs/gate.md, but for ports and places. */
async function startNginx(): Promise<{ address: string; stop: () => Promise<void> }> {
  const folder = mkdtempSync(join(tmpdir(), "touchstone-nginx-"));
  const [, server = ""] = /```nginx\n([\s\S]*?)```/.exec(readProject("docs/gate.md")) ?? [];
  const port = await freePort();
  const changed = server
    .replace("listen 443", `listen 127.0.0.1:${port}`)
    .replaceAll("/run/tls", folder)
    .replace("http://127.0.0.1:8788", behindTerminator.address)
    .replace("http://127.0.0.1:8000", `http://127.0.0.1:${(service.address() as AddressInfo).port}`);
  const paths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
    (name) => `${name}_temp_path ${folder};`,
  );
  const text = `daemon off; pid ${folder}/pid; error_log stderr warn; events {} http { ${paths.join(" ")} ${changed} }`;
  writeFileSync(join(folder, "nginx.conf"), text);
  writeFileSync(join(folder, "key.pem"), tls.key);
  writeFileSync(join(folder, "cert.pem"), tls.certificate);
  const child = spawn(nginx ?? "", ["-p", folder, "-c", join(folder, "nginx.conf")], { stdio: "inherit" });
  await expect.poll(() => accepts(port), { timeout: 10_000 }).toBe(true);
  const stop = async () => {
    child.kill();
    await once(child, "close");
    rmSync(folder, { recursive: true, force: true });
  };
  return { address: `https://127.0.0.1:${port}`, stop };
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connectTcp(port, "127.0.0.1");
    socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
    socket.once("connect", () => socket.destroy());
  });
}

describe("the front end in the machine", () => {
  test("opens what a sealed fetch sends through whatever ends TLS before it, and streams the reply", async () => {
    const world = await worldFor("hpke");
    const network = networkOf(world);
    // What stands before it has the name that clients know.
    const relayed: typeof fetch = (input, init) =>
      network(String(input).replace("https://llm.example", behindTerminator.address), init);
    const sealedFetch = createSealedFetch({ to: "https://llm.example", ...common(world), fetch: relayed });
    const init = { method: "POST", body: "Am I ill?", headers: { authorization: "Bearer key" } };
    const reply = await sealedFetch("https://llm.example/v1/chat/completions?x=1", init);
    await expectStreamed(reply);
    expect(received.at(-1)).toEqual({
      path: "/v1/chat/completions?x=1",
      authorization: "Bearer key",
      body: "Am I ill?",
    });
  });

  test("takes what a gate sends over its own TLS, after the evidence about this very key", async () => {
    const world = await worldFor("tls-spki");
    const gate = createGate({
      to: overTls.address,
      ...common(world),
      fetch: networkOf(world),
      tls: { webPki: false },
    });
    try {
      const reply = await gate.fetch(`${overTls.address}/v1/chat/completions`, {
        method: "POST",
        body: "over TLS",
      });
      await expectStreamed(reply);
      expect(received.at(-1)).toMatchObject({ path: "/v1/chat/completions", body: "over TLS" });
    } finally {
      await gate.close();
    }
  });

  test.skipIf(nginx === null)(
    `stands behind nginx, as docs/gate.md says${nginx === null ? " (skipped: no nginx)" : ""}`,
    async () => {
      const terminator = await startNginx();
      try {
        const world = await worldFor("tls-spki");
        const options = { ...common(world), fetch: networkOf(world), tls: { webPki: false } };
        const gate = createGate({ to: terminator.address, ...options });
        const reply = await gate.fetch(`${terminator.address}/v1/chat`, { method: "POST", body: "by nginx" });
        await expectStreamed(reply);
        await gate.close();

        const forPages = await worldFor("hpke");
        const network = networkOf(forPages);
        const relayed: typeof fetch = (input, init) =>
          network(String(input).replace("https://llm.example", terminator.address), init);
        const sealedFetch = createSealedFetch({
          to: "https://llm.example",
          ...common(forPages),
          fetch: relayed,
        });
        const sealed = await sealedFetch("https://llm.example/v1/chat", { method: "POST", body: "sealed" });
        await expectStreamed(sealed);
        expect(received.slice(-2).map(({ body }) => body)).toEqual(["by nginx", "sealed"]);
      } finally {
        await terminator.stop();
      }
    },
  );

  test("takes nothing where somebody may have read along, and has nothing else under its own paths", async () => {
    const before = received.length;
    const ask = (path: string) =>
      fetch(`${behindTerminator.address}${path}`, { method: "POST", body: "Am I ill?" });
    expect([(await ask("/v1/chat/completions")).status, (await ask("/")).status]).toEqual([421, 421]);
    expect((await ask("/.well-known/other")).status).toBe(404);
    expect(received.length).toBe(before);
  });

  test("speaks TLS 1.3 by the key that evidence vouches for, and resumes no session", async () => {
    const { port } = new URL(overTls.address);
    const options = { host: "127.0.0.1", port: Number(port), rejectUnauthorized: false } as const;
    const first = connect(options);
    const sessions: Buffer[] = [];
    first.on("session", (session) => sessions.push(session));
    await connected(first);
    expect(first.getProtocol()).toBe("TLSv1.3");
    const spki = first.getPeerX509Certificate()?.publicKey.export({ type: "spki", format: "der" });
    expect(new Uint8Array(spki ?? [])).toEqual(tls.spki);
    first.write("GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n");
    await new Promise((resolve) => first.once("data", resolve));
    first.destroy();
    for (const session of sessions) {
      const again = connect({ ...options, session });
      await connected(again);
      expect(again.isSessionReused()).toBe(false);
      again.destroy();
    }
    await expect(connected(connect({ ...options, maxVersion: "TLSv1.2" }))).rejects.toThrow();
  });

  test("makes another key at each start", async () => {
    const other = await makeTlsKey(["llm.example"], NOW);
    expect(other.spki).not.toEqual(tls.spki);
  });

  test("logs that it was asked, and nothing of what", async () => {
    const lines = logged.join("");
    expect(lines).toContain('"path":"/.well-known/ohttp-gateway"');
    for (const secret of ["Am I ill?", "nonce=", "key=", "x=1", "Bearer"])
      expect(lines).not.toContain(secret);
  });
});

describe("touchstone attest serve", () => {
  const here = ["attest", "serve", "--collateral", "collateral.json"];

  test.each([
    ["no TLS", [], /say which of the two/],
    ["TLS here and elsewhere", ["--tls", "a", "--tls-key-spki", "b"], /say which of the two/],
    ["TLS before nothing", ["--tls", "llm.example"], /Name its port with --forward/],
    ["a front end without a name", ["--tls-key-spki", "KEY", "--forward", "8000"], /by which --authority/],
  ])("refuses %s", async (_, args, message) => {
    const key = join(guest.root, "key.der");
    writeFileSync(key, tls.spki);
    const { exitCode, warnings } = await runCli([...here, ...args.map((arg) => (arg === "KEY" ? key : arg))]);
    expect([exitCode, warnings]).toEqual([2, expect.stringMatching(message)]);
  });
});

function connected(socket: TLSSocket): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once("secureConnect", resolve);
    socket.once("error", reject);
  });
}
