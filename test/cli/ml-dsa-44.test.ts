// A log that signs with ML-DSA-44 too, by the command line alone: founded, served, audited and read; and a second key for a log that has one.
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { afterAll, beforeAll, expect, it } from "vitest";
import { serveLog } from "../../src/cli/serve-log.ts";
import type { RunningServer } from "../../src/http/server.ts";
import type { TrustRoot } from "../../src/protocol/entry/trust-root.ts";
import { parseVerifierKey } from "../../src/protocol/note/key.ts";
import { parseNote } from "../../src/protocol/note/signed-note.ts";
import { logKeyOf, parseTlogPolicy } from "../../src/protocol/note/tlog-policy.ts";
import { type CliRun, runCli } from "../support/run-cli.ts";

const ORIGIN = "log.example.com/quantum";
let folder: string;
let server: RunningServer;
const at = (...path: string[]) => join(folder, ...path);
const outside = {
  environment: {},
  now: () => new Date(),
  fetch,
  interactive: false,
  confirm: async () => true,
};

async function run(...args: string[]): Promise<CliRun> {
  const ran = await runCli(args, outside);
  if (ran.exitCode !== 0) throw new Error(`${args.join(" ")}: ${ran.warnings} ${ran.output}`);
  return ran;
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "touchstone-quantum-"));
  await run("init", at("log"), "--origin", ORIGIN, "--url", "https://log.example.com", "--ml-dsa-44");
  const context = { ...outside, print: () => {}, warn: () => {} };
  server = await serveLog(at("log/touchstone.toml"), 0, pino({ level: "silent" }), context);
});
afterAll(async () => {
  await server.stop();
  rmSync(folder, { recursive: true });
});

it("init makes a key that only its owner can read, and configures it", async () => {
  expect(statSync(at("log/keys/log-ml-dsa-44.key")).mode & 0o077).toBe(0);
  expect(readFileSync(at("log/touchstone.toml"), "utf8")).toContain("log-ml-dsa-44.key");
  const { output } = await run("key", "show", at("log/keys/log-ml-dsa-44.key"));
  expect(parseVerifierKey(output)).toMatchObject({ name: ORIGIN, type: 0x06 });
});

it("every checkpoint has both lines of the log, and an audit finds nothing wrong with it", async () => {
  const { signatures } = parseNote(await (await fetch(`${server.address}/checkpoint`)).text());
  expect(signatures.map(({ name, signature }) => [name, signature.length])).toEqual([
    [ORIGIN, 64],
    [ORIGIN, 2428],
    [`${ORIGIN}/own-cosigner`, 72],
  ]);
  await run("audit", server.address, "--trust", at("log/trust-root.json"));
});

it("trust-root draft names a witness with its URL, and one more key of the log", async () => {
  const made = (await run("key", "generate", "--cosigner", "w.example", "--ml-dsa-44", "-o", at("w.key")))
    .output;
  const witness = [
    "--add-witness",
    `w=${made}`,
    "--witness-url",
    "https://w.example/prefix",
    "--quorum",
    "1",
  ];
  await run("trust-root", "draft", "--to", server.address, ...witness, "-o", at("root-2.json"));
  const { logPolicy } = JSON.parse(readFileSync(at("root-2.json"), "utf8")) as TrustRoot;
  const { logs, witnesses } = parseTlogPolicy(logPolicy);
  expect(logs.map(({ key, url }) => [key.type, url])).toEqual([
    [0x01, "https://log.example.com"],
    [0x06, "https://log.example.com"],
  ]);
  expect(witnesses.map(({ name, url }) => [name, url])).toEqual([
    ["own-cosigner", "https://log.example.com"],
    ["w", "https://w.example/prefix"],
  ]);
  expect(logKeyOf(logPolicy).type).toBe(0x01);
});

it.each<[string, string[], RegExp]>([
  [
    "ML-DSA-44 for a key that signs entries",
    ["key", "generate", "--ml-dsa-44", "-o", "x.pem"],
    /entries are not signed/,
  ],
  [
    "a URL of no witness",
    ["trust-root", "draft", "--witness-url", "https://w.example"],
    /goes with --add-witness/,
  ],
  ["a log key that is there", ["trust-root", "draft", "--add-log-key", "OWN"], /already listed/],
])("refused: %s", async (_, args, message) => {
  const own = (await run("key", "show", at("log/keys/log.key"))).output;
  const rest = args[0] === "trust-root" ? ["--to", server.address, "-o", at("x.json")] : [];
  const ran = await runCli([...args.map((arg) => (arg === "OWN" ? own : arg)), ...rest], outside);
  expect([ran.exitCode, ran.warnings]).toEqual([2, expect.stringMatching(message)]);
});
