// `touchstone gate` as its users run it: once, for a script; and as a process that clients send to.
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { bootEvents } from "../../src/testing/index.ts";
import { formatTrustFile } from "../../src/verifier/bundle/trust-pin.ts";
import { type GuestOptions, MadeUpGuest } from "../gate/made-up-guest.ts";
import { machineOf, makeWorld, vendors } from "../support/appraisal-world.ts";
import { runCli } from "../support/run-cli.ts";

const MAIN = join(import.meta.dirname, "../../src/cli/main.ts");
/** Processes have the clock of this machine. */
const at = new Date();
const machine = (change: object): GuestOptions => ({
  machine: (nonce, channel) => machineOf({ at, nonce, channel, ...change }),
});
const GOOD = machine({});
const BAD = machine({ events: bootEvents("another image") });

let folder: string;
let log: Server;
let guest: MadeUpGuest;
let args: string[];
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "touchstone-gate-"));
  const world = await makeWorld(await machineOf({ at }), {}, at);
  log = createServer((_, answer) => answer.end(world.bundle));
  await new Promise<void>((resolve) => log.listen(0, "127.0.0.1", resolve));
  const { intel, nvidia } = await vendors();
  const file = (name: string, content: string | Uint8Array) => {
    writeFileSync(join(folder, name), content);
    return join(folder, name);
  };
  args = [
    ...["--log", `http://127.0.0.1:${(log.address() as AddressInfo).port}`, "--policy", "production"],
    ...["--trust", file("trust-root.json", formatTrustFile(world.log.envelopes[0]!))],
    ...[
      "--intel-root",
      file("intel.der", intel.root.der),
      "--nvidia-root",
      file("nvidia.der", nvidia.root.der),
    ],
    ...["--state", join(folder, "state.json")],
  ];
});
afterEach(() => guest.stop());
afterAll(() => {
  log.close();
  rmSync(folder, { recursive: true });
});

const appraiseOnce = (...more: string[]) =>
  runCli(["gate", "--once", "--to", guest.origin, ...args, ...more], { now: () => new Date(), fetch });

test("--once says that a good machine is trusted, and until when, and sends nothing else", async () => {
  guest = await MadeUpGuest.start(GOOD);
  const { exitCode, output } = await appraiseOnce();
  expect(output).toMatch(/^TRUSTED\n[\s\S]*good until +20/);
  expect(exitCode).toBe(0);
  expect(guest).toMatchObject({ questions: 1, received: "" });
});

test("--once ends with 1 for another machine, and shows what appraise shows", async () => {
  guest = await MadeUpGuest.start(BAD);
  const { exitCode, json, warnings } = await appraiseOnce("--json");
  expect(exitCode).toBe(1);
  expect(json()).toMatchObject({ verdict: "rejected", profile: "first", validUntil: null });
  expect(warnings).not.toContain("touchstone:");
});

test("--once ends with 1 for one that shows no evidence, and with 3 for one that does not answer", async () => {
  guest = await MadeUpGuest.start({
    evidence: (socket) => socket.write("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"),
  });
  expect(await appraiseOnce()).toMatchObject({
    exitCode: 1,
    warnings: expect.stringMatching(/answered 404/),
  });
  guest.options = { evidence: () => undefined };
  expect((await appraiseOnce("--timeout", "200ms")).exitCode).toBe(3);
  await guest.stop();
  expect((await appraiseOnce()).exitCode).toBe(3);
});

/** The first line of a process, and all that it says afterwards. */
async function startGate(...more: string[]) {
  const child: ChildProcessWithoutNullStreams = spawn(process.execPath, [
    ...["--experimental-strip-types", MAIN, "gate", "--to", guest.origin, "--listen", "127.0.0.1:0"],
    ...args,
    ...more,
  ]);
  const said = { output: "", errors: "" };
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    said.output += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    said.errors += text;
  });
  while (!said.output.includes("\n") && child.exitCode === null)
    await new Promise((resolve) => setTimeout(resolve, 20));
  return {
    said,
    async stop(): Promise<number | null> {
      const closed = once(child, "close");
      child.kill("SIGTERM");
      return (await closed)[0];
    },
  };
}

test("a proxy says one line, serves, refuses once the machine is another one, and ends when it is told to", async () => {
  guest = await MadeUpGuest.start(GOOD);
  const gate = await startGate("--max-verdict-age", "1s");
  expect(gate.said.output).toMatch(
    /^http:\/\/127\.0\.0\.1:[0-9]+ → https:\/\/127\.0\.0\.1:[0-9]+: trusted, profile first, policy production version 1, until 20.*Z\n$/,
  );
  const [address = ""] = gate.said.output.split(" ");
  const send = () => fetch(`${address}/v1/chat/completions`, { method: "POST", body: "the prompt" });
  expect(await (await send()).text()).toBe("hello");
  const { received } = guest;
  guest.options = BAD;
  let answer = await send();
  while (answer.status === 200) answer = await send();
  expect(answer.status).toBe(502);
  expect(await answer.json()).toMatchObject({ check: "tuple.rtmr1" });
  expect(guest.received.replaceAll(received, "")).toBe("");
  expect(await gate.stop()).toBe(0);
  expect(gate.said.errors).toMatch(/rejected: tuple\.rtmr1: differs/);
  expect(gate.said.output + gate.said.errors).not.toContain("the prompt");
});

test("a proxy whose machine is refused at the start says so, and serves when that is over", async () => {
  guest = await MadeUpGuest.start({
    evidence: (socket) => socket.end("HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"),
  });
  const gate = await startGate("--json");
  const { url, ...line } = JSON.parse(gate.said.output);
  expect(line).toMatchObject({ to: guest.origin, verdict: "refused", code: "evidence.unavailable" });
  guest.options = GOOD;
  let answer = await fetch(url);
  while (answer.status === 502) {
    await new Promise((resolve) => setTimeout(resolve, 500));
    answer = await fetch(url);
  }
  expect(await answer.text()).toBe("hello");
  expect(await gate.stop()).toBe(0);
});
