// How every command ends: 0 good, 1 the answer is no, 2 what its user gave is wrong, 3 nobody answered.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { pino } from "pino";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { AnswerIsNo, EXIT_MEANINGS, exitCodeOf, UsageError } from "../../src/cli/context.ts";
import { initLog } from "../../src/cli/init-log.ts";
import { serveLog } from "../../src/cli/serve-log.ts";
import type { RunningServer } from "../../src/http/server.ts";
import { StartRefusedError } from "../../src/log/errors.ts";
import { FileError } from "../../src/node/file-error.ts";
import { MalformedError, PolicyError, VerificationError } from "../../src/protocol/errors.ts";
import { RefusedError, UnreachableError } from "../../src/verifier/service-errors.ts";
import { type CliRun, runCli } from "../support/run-cli.ts";

// Publishers wait between their eight attempts: not here.
vi.mock("node:timers/promises", async (original) => ({
  ...(await original<typeof import("node:timers/promises")>()),
  setTimeout: async () => undefined,
}));

const EXAMPLE = fileURLToPath(new URL("../../examples/release/example-kernel.json", import.meta.url));
const CONTENT = fileURLToPath(new URL("../../examples/release/policy.json", import.meta.url));
const NOBODY = "https://nobody.example";
const REFUSING = "https://refusing.example";
const BABBLING = "https://babbling.example";

let folder: string;
let server: RunningServer;
const at = (name: string) => join(folder, name);
const key = (role: string) => at(`log/keys/${role}.pem`);
const context = {
  environment: {},
  now: () => new Date(),
  print: () => {},
  warn: () => {},
  interactive: false,
  confirm: async () => true,
};

const network: typeof fetch = async (input, init) => {
  const url = String(input);
  if (url.startsWith(NOBODY)) throw new TypeError("fetch failed", { cause: new Error("ECONNREFUSED") });
  if (url.startsWith(BABBLING)) return new Response("<html>welcome</html>");
  if (!url.startsWith(REFUSING)) return fetch(input, init);
  return new Response('{"code":"not-authorised","detail":"because"}', { status: 403 });
};

const run = (args: readonly string[]): Promise<CliRun> =>
  runCli(args, { now: () => new Date(), fetch: network });

async function good(...args: string[]): Promise<void> {
  const { exitCode, warnings } = await run(args);
  if (exitCode !== 0) throw new Error(`${args.join(" ")}: ${warnings}`);
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "touchstone-exit-"));
  const origin = "exit.example/log";
  await initLog(at("log"), { origin, url: "http://127.0.0.1:8080", port: 0 }, { ...context, fetch });
  server = await serveLog(at("log/touchstone.toml"), 0, pino({ level: "silent" }), { ...context, fetch });
  await good("sign", EXAMPLE, "--key", key("publisher"), "-o", at("kernel.dsse.json"));
  await good("sign", EXAMPLE, "--key", key("policy"), "-o", at("other.dsse.json"));
  writeFileSync(at("kernel2.json"), readFileSync(EXAMPLE, "utf8").replace("6.12.41-cc1", "6.12.41-cc2"));
  await good("sign", at("kernel2.json"), "--key", key("publisher"), "-o", at("kernel2.dsse.json"));
  await good("publish", at("kernel.dsse.json"), "--to", server.address, "--trust", at("log/trust-root.json"));
  await good("init", at("stranger"), "--origin", origin);
  for (const name of ["broken", "broken.pem", "broken.toml", "broken.dsse.json"])
    writeFileSync(at(name), "{");
  writeFileSync(at("latin1.pem"), Uint8Array.of(0xe4, 0xff));
  mkdirSync(at("mirror"));
  writeFileSync(at("mirror/checkpoint"), "no note");
  const config = readFileSync(at("log/touchstone.toml"), "utf8");
  writeFileSync(at("log/wrong-key.toml"), config.replace("keys/log.key", "keys/root.pem"));
});

afterAll(async () => {
  await server.stop();
  rmSync(folder, { recursive: true });
});

const trust = () => ["--trust", at("log/trust-root.json")];
const watching = () => [...trust(), "--state", at("watch")];
const stranger = () => ["--trust", at("stranger/trust-root.json")];
const prod = ["--policy", "prod"];
const config = () => ["--config", at("log/touchstone.toml")];
const kernel = () => [at("kernel.dsse.json"), at("kernel.tlog-proof")] as const;
const proofTo = (to: string) => ["--to", to, ...trust(), "-o", at("exported.proof")];
const gate = (log: string) => ["gate", "--to", "https://llm.example", "--log", log, ...prod, ...trust()];
const revoke = (target: string, to: string) => [
  "revoke",
  target,
  "--name",
  "x",
  "--reason",
  "x",
  "--key",
  key("revocation"),
  "--to",
  to,
];
const HEX = "0".repeat(64);
const DIGEST = `sha256:${HEX}`;
const TIME = "2026-11-23T14:00:00Z";
const RELEASE = "--name a --version 1 --channel stable --svn 0 --builder b --source c".split(" ");

type Row = readonly [code: number, what: string, args: () => readonly string[], says?: RegExp];

const ROWS: Record<string, readonly Row[]> = {
  init: [
    [0, "a new folder", () => ["init", at("another")]],
    [2, "a folder with something in it", () => ["init", at("log")], /is not empty/],
    [2, "an origin that is none", () => ["init", at("x"), "--origin", "two words"]],
  ],
  serve: [
    [2, "no configuration", () => ["serve", "--config", at("none")], /none/],
    [2, "a broken one, named", () => ["serve", "--config", at("broken.toml")], /broken\.toml: configuration/],
    [2, "a key that is none", () => ["serve", "--config", at("log/wrong-key.toml")], /root\.pem/],
    [2, "a log that is being served", () => ["serve", ...config()], /open for writing/],
  ],
  doctor: [
    [0, "a log that is served", () => ["doctor", ...config()]],
    [
      1,
      "another key than the trust root names",
      () => ["doctor", "--config", at("log/wrong-key.toml")],
      /^fault +key .*root\.pem/m,
    ],
    [2, "no configuration", () => ["doctor", "--config", at("none")], /none/],
  ],
  "migrate-store": [
    [
      2,
      "a log that is not there",
      () => ["migrate-store", "--from", at("none"), ...config()],
      /there is no log/,
    ],
    [2, "where it is already", () => ["migrate-store", "--from", at("log/log.db"), ...config()], /already/],
  ],
  demo: [[2, "a port that is none", () => ["demo", "--port", "x"], /port/]],
  "key generate": [
    [0, "a new file", () => ["key", "generate", "-o", at("new.pem")]],
    [2, "a file that is there", () => ["key", "generate", "-o", at("broken.pem")], /never overwritten/],
    [2, "a folder that is not there", () => ["key", "generate", "-o", at("none/x.pem")], /none/],
  ],
  "key show": [
    [0, "a key", () => ["key", "show", key("root")]],
    [2, "a file that is none", () => ["key", "show", at("broken.pem")]],
  ],
  "describe gpu-rim": [
    [
      1,
      "a RIM that is none",
      () => ["describe", "gpu-rim", ...RELEASE, "--rim", at("broken"), "--as-of", TIME, "-o", at("rim.json")],
    ],
  ],
  "describe switch-rim": [
    [
      1,
      "a RIM that is none",
      () => [
        ...["describe", "switch-rim", ...RELEASE, "--rim", at("broken"), "--as-of", TIME],
        ...["--rim-id", "NV_SWITCH_BIOS_5612_0002_890_9610550001", "-o", at("rim.json")],
      ],
    ],
  ],
  "describe gsp-firmware": [
    [
      2,
      "a file that is none",
      () => ["describe", "gsp-firmware", ...RELEASE, "--file", at("broken"), "-o", at("g")],
    ],
    [2, "no file", () => ["describe", "gsp-firmware", ...RELEASE, "--file", at("none"), "-o", at("g")]],
  ],
  sign: [
    [0, "a statement", () => ["sign", EXAMPLE, "--key", key("publisher"), "-o", at("again.dsse.json")]],
    [2, "no statement, named", () => ["sign", at("broken"), "--key", key("publisher")], /broken: JSON/],
    [
      2,
      "a signature that is there",
      () => ["sign", kernel()[0], "--key", key("publisher")],
      /signed it already/,
    ],
    [2, "a key that is none", () => ["sign", EXAMPLE, "--key", at("broken.pem"), "-o", at("x")]],
  ],
  publish: [
    [0, "an entry that is known", () => ["publish", kernel()[0], "--to", server.address]],
    [1, "the log refuses", () => ["publish", kernel()[0], "--to", REFUSING], /403 not-authorised/],
    [1, "an answer that is none", () => ["publish", kernel()[0], "--to", BABBLING], /answer is not one/],
    [
      2,
      "no envelope, named",
      () => ["publish", at("broken.dsse.json"), "--to", NOBODY],
      /broken\.dsse\.json: JSON/,
    ],
    [
      2,
      "a pin that is none",
      () => ["publish", kernel()[0], "--to", NOBODY, "--trust", at("broken")],
      /broken/,
    ],
    [3, "nobody there", () => ["publish", kernel()[0], "--to", NOBODY], /ECONNREFUSED.*repeating/],
  ],
  release: [
    [2, "a file that is none, named", () => ["release", at("broken.toml")], /broken\.toml: release file/],
    [2, "two wishes", () => ["release", at("broken.toml"), "--dry-run", "--prepare", at("x")], /give one of/],
  ],
  "entries list": [
    [0, "a log", () => ["entries", "list", "--to", server.address]],
    [1, "the log refuses", () => ["entries", "list", "--to", server.address, "--kind", "bios"]],
    [1, "an answer that is none", () => ["entries", "list", "--to", BABBLING], /answer is not one/],
    [3, "nobody there", () => ["entries", "list", "--to", NOBODY]],
  ],
  "entries find": [
    [1, "no digest", () => ["entries", "find", "md5:00", "--to", server.address]],
    [3, "nobody there", () => ["entries", "find", DIGEST, "--to", NOBODY]],
  ],
  "entries show": [
    [0, "an entry", () => ["entries", "show", "0", "--to", server.address]],
    [1, "no such entry", () => ["entries", "show", "999", "--to", server.address], /404/],
    [3, "nobody there", () => ["entries", "show", "0", "--to", NOBODY]],
  ],
  "policy draft": [
    [
      0,
      "a policy",
      () => ["policy", "draft", "a", "--content", CONTENT, "--to", server.address, "-o", at("p")],
    ],
    [
      2,
      "content that is none",
      () => ["policy", "draft", "a", "--content", at("broken"), "-o", at("x")],
      /broken/,
    ],
    [
      2,
      "requirements that are none",
      () => ["policy", "draft", "a", "--requirements", at("broken"), "-o", at("x")],
    ],
    [
      1,
      "an answer that is none",
      () => ["policy", "draft", "a", "--content", CONTENT, "--to", BABBLING, "-o", at("x")],
    ],
    [3, "nobody there", () => ["policy", "draft", "a", "--content", CONTENT, "--to", NOBODY, "-o", at("x")]],
  ],
  "policy renew": [
    [2, "no such policy", () => ["policy", "renew", "a", "--key", key("policy"), "--to", server.address]],
    [3, "nobody there", () => ["policy", "renew", "a", "--key", key("policy"), "--to", NOBODY]],
  ],
  "policy show": [
    [1, "the log refuses", () => ["policy", "show", "a", "--to", REFUSING]],
    [2, "no such policy", () => ["policy", "show", "a", "--to", server.address]],
    [3, "nobody there", () => ["policy", "show", "a", "--to", NOBODY]],
  ],
  revoke: [
    [1, "the log refuses", () => revoke(DIGEST, REFUSING), /not-authorised/],
    [2, "no target", () => revoke("nonsense", NOBODY)],
    [3, "nobody there", () => revoke(DIGEST, NOBODY)],
  ],
  "status publish": [
    [
      1,
      "a server without a log",
      () => ["status", "publish", "--key", key("status"), ...trust(), "--to", REFUSING],
    ],
    [2, "a pin that is none", () => ["status", "publish", "--key", key("status"), "--trust", at("broken")]],
  ],
  "trust-root draft": [
    [0, "the next one", () => ["trust-root", "draft", "--to", server.address, "-o", at("root.json")]],
    [1, "an answer that is none", () => ["trust-root", "draft", "--to", BABBLING, "-o", at("x")]],
    [3, "nobody there", () => ["trust-root", "draft", "--to", NOBODY, "-o", at("x")]],
  ],
  "trust-root seal": [
    [2, "no trust root", () => ["trust-root", "seal", EXAMPLE, "-o", at("x")], /kernel\.json/],
  ],
  "trust-root pin": [
    [2, "no envelope", () => ["trust-root", "pin", at("broken"), "-o", at("x")], /broken/],
    [2, "the envelope of something else", () => ["trust-root", "pin", kernel()[0], "-o", at("x")]],
  ],
  "bundle fetch": [
    [
      1,
      "the log refuses",
      () => ["bundle", "fetch", "a", "--to", REFUSING, "-o", at("x")],
      /answered 403: because/,
    ],
    [
      1,
      "no such policy",
      () => ["bundle", "fetch", "a", "--to", server.address, "-o", at("x")],
      /answered 404/,
    ],
    [
      1,
      "a page that is no bundle",
      () => ["bundle", "fetch", "a", "--to", BABBLING, "-o", at("x")],
      /answered text\/plain, not a policy bundle/,
    ],
    [3, "nobody there", () => ["bundle", "fetch", "a", "--to", NOBODY, "-o", at("x")]],
  ],
  lookup: [
    [2, "a term that no entry can have", () => ["lookup", "digest", "ABC", ...trust()], /no digest has/],
    [2, "a type that there is not", () => ["lookup", "kind", DIGEST, ...trust()], /the type is none of/],
    [2, "no pin", () => ["lookup", "digest", HEX], /missing: --trust/],
    [2, "no such file", () => ["lookup", "digest", HEX, ...trust(), "--file", at("none")], /none/],
    [1, "an answer that is none", () => ["lookup", "digest", HEX, ...trust(), "--file", at("broken")]],
    [1, "a page that is no answer", () => ["lookup", "digest", HEX, ...trust(), "--to", BABBLING]],
    [1, "a log that refuses", () => ["lookup", "digest", HEX, ...trust(), "--to", REFUSING], /because/],
    [3, "nobody there", () => ["lookup", "digest", HEX, ...trust(), "--to", NOBODY]],
  ],
  "bundle verify": [
    [1, "a broken bundle", () => ["bundle", "verify", at("broken"), ...prod, ...trust()]],
    [2, "no such file", () => ["bundle", "verify", at("none"), ...prod, ...trust()], /none/],
    [2, "no policy asked for", () => ["bundle", "verify", at("broken"), ...trust()], /--policy/],
    [
      2,
      "a time that does not exist",
      () => ["bundle", "verify", at("broken"), ...prod, ...trust(), "--now", "2026-02-30T00:00:00Z"],
      /is not a time that exists/,
    ],
    [
      2,
      "a pin that is none",
      () => ["bundle", "verify", at("broken"), ...prod, "--trust", at("broken")],
      /broken: JSON/,
    ],
    [
      2,
      "a state that is none, named",
      () => ["bundle", "verify", at("broken"), ...prod, ...trust(), "--state", at("broken")],
      /broken is no state of a verifier/,
    ],
  ],
  "proof export": [
    [0, "a proof", () => ["proof", "export", kernel()[0], ...proofTo(server.address)]],
    [
      1,
      "a receipt of a log that gives none",
      () => ["proof", "export", kernel()[0], "--receipt", ...proofTo(server.address)],
      /receipts-off/,
    ],
    [
      1,
      "an envelope that is not in the log",
      () => ["proof", "export", at("kernel2.dsse.json"), ...proofTo(server.address)],
      /not in the log/,
    ],
    [
      1,
      "a log that is another",
      () => ["proof", "export", kernel()[0], ...proofTo(server.address), ...stranger()],
    ],
    [1, "an answer that is none", () => ["proof", "export", kernel()[0], ...proofTo(BABBLING)]],
    [2, "a broken envelope", () => ["proof", "export", at("broken"), ...proofTo(server.address)], /broken/],
    [3, "nobody answers", () => ["proof", "export", kernel()[0], ...proofTo(NOBODY)]],
  ],
  "proof verify": [
    [0, "a proof", () => ["proof", "verify", ...kernel(), ...trust()]],
    [1, "a broken envelope", () => ["proof", "verify", at("broken"), kernel()[1], ...trust()], /JSON/],
    [1, "a broken proof", () => ["proof", "verify", kernel()[0], at("broken"), ...trust()], /proof/],
    [
      1,
      "the proof of something else",
      () => ["proof", "verify", at("other.dsse.json"), kernel()[1], ...trust()],
    ],
    [1, "a broken receipt", () => ["proof", "verify", ...kernel(), "--receipt", ...trust()], /receipt/],
    [2, "no such file", () => ["proof", "verify", kernel()[0], at("none"), ...trust()]],
    [2, "no such receipt", () => ["proof", "verify", kernel()[0], at("none"), "--receipt", ...trust()]],
    [2, "a pin that is none", () => ["proof", "verify", ...kernel(), "--trust", at("broken")], /broken/],
  ],
  gate: [
    [1, "the log refuses", () => [...gate(REFUSING), "--once"], /answered 403: because/],
    [1, "a page that is no bundle", () => [...gate(BABBLING), "--once"], /not a policy bundle/],
    [2, "a machine without TLS", () => [...gate(NOBODY), "--to", "http://llm.example"], /https only/],
    [2, "more than an origin", () => [...gate(NOBODY), "--to", "https://llm.example/v1"], /without a path/],
    [2, "an address for everybody", () => [...gate(NOBODY), "--listen", "0.0.0.0:1"], /--listen-anywhere/],
    [2, "a time that is none", () => [...gate(NOBODY), "--timeout", "10"], /such as 10s/],
    [2, "a proxy that is none", () => [...gate(NOBODY), "--proxy", "x"], /--proxy/],
    [2, "a pin that is none", () => [...gate(NOBODY), "--trust", at("broken")], /broken: JSON/],
    [
      2,
      "a state that is none, named",
      () => [...gate(NOBODY), "--state", at("broken")],
      /broken is no state/,
    ],
    [3, "nobody there", () => [...gate(NOBODY), "--once"], /ECONNREFUSED/],
  ],
  appraise: [
    [
      1,
      "a broken bundle",
      () => [
        "appraise",
        "--bundle",
        at("broken"),
        ...prod,
        ...trust(),
        "--evidence",
        at("broken"),
        "--hpke-key",
        "00",
      ],
    ],
    [
      2,
      "no such bundle",
      () => [
        "appraise",
        "--bundle",
        at("none"),
        ...prod,
        ...trust(),
        "--evidence",
        at("broken"),
        "--hpke-key",
        "00",
      ],
    ],
    [
      2,
      "no channel",
      () => ["appraise", "--bundle", at("broken"), ...prod, ...trust(), "--evidence", at("broken")],
    ],
  ],
  "evidence tdx": [
    [
      1,
      "garbage",
      () => ["evidence", "tdx", "--quote", at("broken"), "--collateral", at("broken"), "--as-of", TIME],
    ],
    [
      2,
      "no file",
      () => ["evidence", "tdx", "--quote", at("none"), "--collateral", at("broken"), "--as-of", TIME],
    ],
  ],
  "evidence nvidia": [
    [
      1,
      "a chain that is no text",
      () => ["evidence", "nvidia", "--report", at("broken"), "--chain", at("latin1.pem"), "--as-of", TIME],
      /UTF-8/,
    ],
    [
      2,
      "a root that is none",
      () => ["evidence", "nvidia", "--rim", at("broken"), "--as-of", TIME, "--rim-root", at("latin1.pem")],
      /latin1\.pem/,
    ],
    [
      2,
      "a report without its chain",
      () => ["evidence", "nvidia", "--report", at("broken"), "--as-of", TIME],
    ],
  ],
  audit: [
    [0, "a log", () => ["audit", server.address, ...trust()]],
    [1, "a server that refuses", () => ["audit", REFUSING, ...trust()], /answered 403/],
    [1, "what is no log", () => ["audit", BABBLING, ...trust()]],
    [2, "a pin that is none", () => ["audit", server.address, "--trust", at("broken")], /broken/],
    [
      2,
      "a state that is none",
      () => ["audit", server.address, ...trust(), "--state", at("log/trust-root.json")],
      /trust-root\.json cannot be opened/,
    ],
    [2, "a folder that is not there", () => ["audit", at("none"), ...trust()], /none/],
    [3, "nobody there", () => ["audit", NOBODY, ...trust()]],
  ],
  mirror: [
    [0, "a new folder", () => ["mirror", server.address, at("copy"), ...trust()], /entries added/],
    [0, "the same again", () => ["mirror", server.address, at("copy"), ...trust()], /0 entries added/],
    [1, "a server that refuses", () => ["mirror", REFUSING, at("copy-1"), ...trust()], /answered 403/],
    [1, "what is no log", () => ["mirror", BABBLING, at("copy-2"), ...trust()]],
    [2, "neither a pin nor --tofu", () => ["mirror", server.address, at("copy")], /--tofu/],
    [
      2,
      "a pin that is none",
      () => ["mirror", server.address, at("copy"), "--trust", at("broken")],
      /broken/,
    ],
    [
      2,
      "a folder of something else",
      () => ["mirror", server.address, at("log"), ...trust()],
      /is no mirror/,
    ],
    [2, "a file", () => ["mirror", server.address, at("broken"), ...trust()], /broken/],
    [3, "nobody there", () => ["mirror", NOBODY, at("copy-3"), ...trust()]],
  ],
  export: [
    [0, "a new folder", () => ["export", at("exported"), ...config()], /entries added/],
    [0, "the folder of a mirror of it", () => ["export", at("copy"), ...config()], /0 entries added/],
    [2, "no configuration", () => ["export", at("exported"), "--config", at("none")], /none/],
    [2, "a folder of something else", () => ["export", at("log"), ...config()], /is no mirror/],
  ],
  monitor: [
    [0, "an honest log", () => ["monitor", server.address, ...trust(), "--state", at("watch")]],
    [
      1,
      "a log of another key",
      () => ["monitor", server.address, ...stranger(), "--state", at("watch-2")],
      /tamper/,
    ],
    [
      2,
      "a pin that is none",
      () => ["monitor", server.address, "--trust", at("broken"), "--state", at("watch")],
    ],
    [
      2,
      "a class that is none",
      () => ["monitor", server.address, ...watching(), "--alert", "x"],
      /infrastructure/,
    ],
    [
      2,
      "a file of expected entries that is none",
      () => ["monitor", server.address, ...watching(), "--expected", at("broken")],
    ],
    [
      2,
      "a webhook without a secret",
      () => ["monitor", server.address, ...watching(), "--webhook", REFUSING],
    ],
    [
      2,
      "a finding that there is not",
      () => ["monitor", server.address, ...watching(), "--acknowledge", "x"],
    ],
    [
      3,
      "nobody there, once it has lasted",
      () => ["monitor", NOBODY, ...trust(), "--state", at("watch-3"), "--patience", "0"],
    ],
  ],
  "audit --split-view": [
    [1, "what is no split view", () => ["audit", "--split-view", at("broken"), ...trust()], /broken/],
    [2, "no such file", () => ["audit", "--split-view", at("none"), ...trust()], /none/],
    [2, "a URL beside it", () => ["audit", server.address, "--split-view", at("broken"), ...trust()]],
    [2, "no trust root", () => ["audit", "--split-view", at("broken")]],
  ],
  backup: [
    [0, "a new file", () => ["backup", at("copy.db"), ...config()]],
    [2, "a file that is there", () => ["backup", at("broken"), ...config()], /never overwrites/],
  ],
  recover: [
    [
      2,
      "a log that is being served",
      () => ["recover", "--from", at("mirror"), ...config()],
      /open for writing/,
    ],
    [
      1,
      "a mirror that is none",
      () => ["recover", "--from", at("mirror"), "--config", at("another/touchstone.toml")],
    ],
  ],
  fsck: [
    [0, "a log", () => ["fsck", ...config()]],
    [2, "what is no database", () => ["fsck", at("broken")]],
    [2, "no such file", () => ["fsck", at("none")], /none/],
  ],
};

describe.each(Object.entries(ROWS))("touchstone %s", (_, rows) => {
  for (const [code, what, args, says = /^/] of rows) {
    it(`ends with ${code}: ${what}`, { timeout: 30_000 }, async () => {
      const { exitCode, output, warnings } = await run(args());
      expect(exitCode, warnings).toBe(code);
      expect(`${warnings}\n${output}`).toMatch(says);
      expect(`${warnings}${output}`, "it says something").not.toBe("");
    });
  }
});

describe("the exit code follows the class of the error", () => {
  it.each<[number, Error]>([
    [1, new VerificationError<string>("x", "forged")],
    [1, new PolicyError<string>("x", "expired")],
    [1, new RefusedError(503, "log-closed", "no")],
    [1, new AnswerIsNo()],
    [2, new MalformedError("trust file", "none")],
    [2, new UsageError("give one of them")],
    [2, new FileError("state.db", "is in use")],
    [2, new StartRefusedError("log-in-use", "in use")],
    [2, new Error("EACCES")],
    [3, new UnreachableError("nobody")],
  ])("%i: %s", (code, error) => {
    expect(exitCodeOf(error)).toBe(code);
  });

  it("is explained in the same words by --help and CONTRIBUTING.md", async () => {
    const contributing = readFileSync(new URL("../../CONTRIBUTING.md", import.meta.url), "utf8");
    const { output } = await run(["--help"]);
    for (const [code, meaning] of EXIT_MEANINGS) {
      expect(contributing).toContain(`| ${code} | ${meaning} |`);
      expect(output).toContain(`  ${code}  ${meaning}`);
    }
  });
});
