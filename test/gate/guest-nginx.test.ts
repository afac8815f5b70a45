// The configuration in examples/attesting-machine/nginx.conf with a real nginx, where one is installed: evidence and prompt over one connection, and
// each event of the reply when it is made.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { packagePath } from "../../src/node/package-root.ts";
import { decodeHex } from "../../src/protocol/encoding/hex.ts";
import { encodeEvidence, type KeyPair, makeKeyPair } from "../../src/testing/index.ts";
import { machineOf } from "../support/appraisal-world.ts";
import { GateWorld, outcome, refusal } from "./gate-world.ts";
import { identityOf } from "./made-up-guest.ts";

const haveNginx = spawnSync("nginx", ["-v"]).error === undefined;
if (!haveNginx) process.stderr.write("SKIPPED: nginx is not installed\n");
const EVENTS = 21;

let folder: string;
let log: GateWorld;
let nginx: ChildProcess;
let channel: KeyPair;
let origin: string;
let claims = {};
/** Makes the next event of the reply. */
let next = () => {};
const seen = { questions: 0, prompts: 0, bodies: "" };
const servers: Server[] = [];

async function listen(server: Server): Promise<number> {
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return (server.address() as AddressInfo).port;
}

/** What `touchstone attest serve` answers. */
const attester = createServer(async ({ url = "" }, answer) => {
  seen.questions++;
  const nonce = decodeHex(new URL(url, "http://x").searchParams.get("nonce") ?? "");
  const bytes = encodeEvidence((await machineOf({ nonce, channel, claims })).evidence);
  answer.writeHead(200, { "content-length": bytes.length, "cache-control": "no-store" }).end(bytes);
});

const model = createServer(async (request, answer) => {
  seen.prompts++;
  for await (const piece of request.setEncoding("utf8")) seen.bodies += piece;
  answer.writeHead(200, { "content-type": "text/event-stream" });
  let made = 0;
  next = () => (made++ < EVENTS ? answer.write(`data: ${made}\n\n`) : answer.end());
  next();
});

beforeAll(async () => {
  if (!haveNginx) return;
  folder = mkdtempSync(join(tmpdir(), "touchstone-guest-nginx-"));
  log = new GateWorld(await GateWorld.make());
  channel = await makeKeyPair("P-256");
  const { key, cert } = await identityOf(channel);
  writeFileSync(join(folder, "key.pem"), String(key));
  writeFileSync(join(folder, "cert.pem"), String(cert));
  mkdirSync(join(folder, "logs"));
  const free = createServer();
  const port = await listen(free);
  await new Promise((resolve) => free.close(resolve));
  origin = `https://127.0.0.1:${port}`;
  writeFileSync(join(folder, "nginx.conf"), configuration(port, await listen(attester), await listen(model)));
  nginx = spawn("nginx", ["-p", folder, "-c", "nginx.conf", "-e", "logs/error"], { stdio: "inherit" });
  while (!(await isListening(port))) await new Promise((resolve) => setTimeout(resolve, 50));
});
afterAll(async () => {
  nginx?.kill("SIGTERM");
  await log?.end();
  for (const server of servers) server.close();
  if (haveNginx) rmSync(folder, { recursive: true, force: true });
});

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => {
      socket.destroy();
      resolve(true);
    });
    socket.on("error", () => resolve(false));
  });
}

function configuration(port: number, attesterPort: number, modelPort: number): string {
  const example = readFileSync(packagePath("examples", "attesting-machine", "nginx.conf"), "utf8")
    .replace("listen 443 ssl;", `listen 127.0.0.1:${port} ssl;`)
    .replaceAll("/run/touchstone-tls", folder)
    .replace("127.0.0.1:8788", `127.0.0.1:${attesterPort}`)
    .replace("127.0.0.1:8000", `127.0.0.1:${modelPort}`);
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
  const paths = temporary.map((name) => `${name}_temp_path ${join(folder, name)};`).join(" ");
  return `daemon off; user root; pid nginx.pid;\nevents { }\nhttp { ${paths}\n${example}\n}\n`;
}

describe.skipIf(!haveNginx)("a machine behind nginx", () => {
  it("is appraised by the key of nginx, gets the prompt, and streams event by event", async () => {
    const gate = await log.gate({ origin });
    const reply = await gate.fetch(`${origin}/v1/chat/completions`, { method: "POST", body: "the prompt" });
    const reader = reply.body!.pipeThrough(new TextDecoderStream()).getReader();
    for (let event = 1; event <= EVENTS; event++) {
      expect((await reader.read()).value).toBe(`data: ${event}\n\n`);
      next();
    }
    expect((await reader.read()).done).toBe(true);
    expect(seen).toEqual({ questions: 1, prompts: 1, bodies: "the prompt" });
  });

  it("that is another one behind the same key gets nothing", async () => {
    claims = { ccMode: "off" };
    const gate = await log.gate({ origin });
    const before = { ...seen };
    expect(
      (await refusal(gate.fetch(`${origin}/v1/chat/completions`, { method: "POST", body: "the prompt" })))
        .code,
    ).toBe("gpu.cc-mode");
    expect(seen).toEqual({ ...before, questions: before.questions + 1 });
    expect(await outcome(gate.fetch(`${origin}/v1/models`))).toBe("gpu.cc-mode");
    expect(seen.prompts).toBe(before.prompts);
  });
});
