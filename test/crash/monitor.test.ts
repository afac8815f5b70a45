// kill -9 on a monitor that watches a log which forks and fails: it goes on where it was, tells nothing twice under two names, and forgets
// nothing that it found. CRASH_ROUNDS says how often (default 3).
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { MonitorStore } from "../../src/auditor/monitor/monitor-store.ts";
import { formatTrustFile } from "../../src/verifier/bundle/trust-pin.ts";
import { forkOf } from "../auditor/monitor/watched-world.ts";
import { type Served, serve } from "../auditor/served-log.ts";
import { FoundedLog } from "../support/founded-log.ts";
import { installProgram } from "../support/installed-program.ts";
import { ORIGIN } from "../support/witnesses.ts";

const ROUNDS = Number(process.env.CRASH_ROUNDS ?? 3);

interface Told {
  readonly id: string;
}

let folder: string;
let program: string;
const servers: Server[] = [];
/** In their order, again where a message came again. */
const told: Told[] = [];
let requests = 0;
let honest: Served;
let forked: Served;
/** What the mirror does now. */
let mirror: "honest" | "forked" | "away" = "honest";

async function listen(handle: (request: IncomingMessage, response: ServerResponse) => void): Promise<string> {
  const server = createServer(handle);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as { port: number }).port}`;
}

function answer(served: Served, { url = "" }: IncomingMessage, response: ServerResponse): void {
  const bytes = served.get(url.slice(1));
  response.writeHead(bytes === undefined ? 404 : 200).end(bytes);
}

/** Every third message is refused, so that many are under way when the monitor is killed. */
async function receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
  let body = "";
  for await (const piece of request) body += piece;
  const taken = ++requests % 3 !== 0;
  expect(() => JSON.parse(body)).not.toThrow();
  if (taken) told.push({ id: String(request.headers["webhook-id"]) });
  response.writeHead(taken ? 204 : 500).end();
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "touchstone-monitor-kill-"));
  program = await installProgram(join(folder, "program"));
  const log = await FoundedLog.found();
  await log.publishRelease();
  honest = await serve(log, log.envelopes.length, new Date());
  const fork = await forkOf(log, 4, "thief");
  forked = await serve(fork, fork.envelopes.length, new Date());
  writeFileSync(join(folder, "trust.json"), formatTrustFile(log.envelopes[0]!));
}, 120_000);
afterAll(() => {
  for (const server of servers) server.close();
  rmSync(folder, { recursive: true, force: true });
});

function startMonitor(urls: readonly string[], hook: string): ChildProcess {
  const args = [
    "--trust",
    join(folder, "trust.json"),
    "--state",
    join(folder, "state"),
    "--every",
    "1",
    "--patience",
    "0",
  ];
  const webhook = [
    "--webhook",
    hook,
    "--webhook-secret",
    "env:SECRET",
    "--alert",
    "tamper",
    "--alert",
    "infrastructure",
  ];
  return spawn(process.execPath, [program, "monitor", ...urls, ...args, ...webhook], {
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, HOME: folder, SECRET: `whsec_${Buffer.alloc(32, 7).toString("base64")}` },
  });
}

/** Lets a monitor run until it has shown so many rounds, and some milliseconds more. */
async function runAndEnd(
  monitor: ChildProcess,
  rounds: number,
  ms: number,
  signal: NodeJS.Signals,
): Promise<void> {
  const ended = once(monitor, "exit");
  let shown = 0;
  for await (const piece of monitor.stdout as NodeJS.ReadableStream) {
    shown += String(piece).split("open findings").length - 1;
    if (shown >= rounds) break;
  }
  await new Promise((resolve) => setTimeout(resolve, ms));
  monitor.kill(signal);
  await ended;
}

it(`${ROUNDS} kills lose nothing and tell nothing twice`, { timeout: 60_000 + ROUNDS * 60_000 }, async () => {
  const service = await listen((request, response) => answer(honest, request, response));
  const other = await listen((request, response) => {
    if (mirror === "away") response.writeHead(503).end();
    else answer(mirror === "honest" ? honest : forked, request, response);
  });
  const hook = await listen((request, response) => void receive(request, response));
  const states = ["away", "honest", "forked"] as const;
  for (let round = 0; round < ROUNDS; round++) {
    mirror = states[round % 3]!;
    await runAndEnd(startMonitor([service, other], hook), 1 + (round % 2), (round * 7919) % 400, "SIGKILL");
  }
  mirror = "honest";
  await runAndEnd(startMonitor([service, other], hook), 2, 0, "SIGTERM");
  const store = MonitorStore.open(join(folder, "state", "monitor.db"), ORIGIN);
  const waiting = store.due(Number.MAX_SAFE_INTEGER).map(({ id }) => id);
  const kept = [...store.findings("open"), ...store.findings("ended")];
  store.close();
  const alerted = kept.filter((finding) => ["tamper", "infrastructure"].includes(finding.class));
  // Each opening and each end is one change, whenever the monitor was killed, and each is told or waits to be.
  const changes = alerted.reduce(
    (n, { openings, state }) => n + 2 * openings - (state === "open" ? 1 : 0),
    0,
  );
  const named = new Set([...told.map(({ id }) => id), ...waiting]);
  expect(named.size).toBe(changes);
  if (ROUNDS >= 3) expect(alerted.map(({ code }) => code)).toContain("split-view");
  const again = told.length - new Set(told.map(({ id }) => id)).size;
  console.log(
    `${ROUNDS} kills: ${changes} changes, ${told.length} messages taken (${again} again under the same id), ${waiting.length} waiting, 0 lost`,
  );
});
