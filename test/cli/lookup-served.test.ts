// Lookups with the real program and a served log that keeps an index: founded with it, audited, checked, and switched off by a trust root;
// and one whose statuses are issued by hand.
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { EXIT } from "../../src/cli/context.ts";
import { serveLog } from "../../src/cli/serve-log.ts";
import type { RunningServer } from "../../src/http/server.ts";
import { packagePath } from "../../src/node/package-root.ts";
import { parseTrustFile } from "../../src/verifier/bundle/trust-pin.ts";
import { type CliRun, runCli } from "../support/run-cli.ts";

const REAL = { now: () => new Date(), fetch: globalThis.fetch, environment: {} };
const KERNEL = packagePath("examples", "release", "example-kernel.json");
const NOTHING = "0".repeat(64);

let folder: string;
let server: RunningServer | undefined;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "touchstone-lookup-"));
});
afterEach(async () => {
  await server?.stop();
  server = undefined;
  rmSync(folder, { recursive: true, force: true });
});

const at = (...path: string[]) => join(folder, ...path);
const trust = () => ["--trust", at("log", "trust-root.json")];
const to = () => ["--to", server?.address ?? ""];
const run = (...args: string[]): Promise<CliRun> => runCli(args, REAL);
async function good(...args: string[]): Promise<string> {
  const { exitCode, output, warnings } = await run(...args);
  expect(exitCode, `${args.join(" ")}: ${warnings}${output}`).toBe(EXIT.good);
  return output;
}
async function serve(): Promise<void> {
  server = await serveLog(at("log", "touchstone.toml"), 0, pino({ level: "silent" }), {
    ...REAL,
    print: () => {},
    warn: () => {},
    interactive: false,
    confirm: async () => true,
  });
}
const key = (role: string) => at("log", "keys", `${role}.pem`);
const lookUp = (type: string, value: string, expected: string) =>
  run("lookup", type, value, ...to(), ...trust(), "--expect", expected, "--json");
async function publishKernel(): Promise<string> {
  await good("sign", KERNEL, "--key", key("publisher"), "-o", at("kernel.dsse.json"));
  await good("publish", at("kernel.dsse.json"), ...to(), ...trust());
  const { payload } = JSON.parse(readFileSync(at("kernel.dsse.json"), "utf8")) as { payload: string };
  const { subject } = JSON.parse(Buffer.from(payload, "base64").toString()) as {
    subject: Array<{ digest: { sha256: string } }>;
  };
  return subject[0]?.digest.sha256 ?? "";
}
async function changeIndex(state: "on" | "off"): Promise<void> {
  const [draft, sealed, signed] = [at("draft.json"), at("root.json"), at("root.dsse.json")];
  for (const file of [draft, sealed, signed]) rmSync(file, { force: true });
  await good("trust-root", "draft", "--index", state, ...to(), "-o", draft);
  await good("trust-root", "seal", draft, "-o", sealed);
  await good("trust-root", "sign", sealed, "--key", key("root"), "-o", signed);
  await good("trust-root", "publish", signed, ...to(), ...trust());
}

describe("a log that was founded with an index", () => {
  it("proves what there is and what there is not, passes audit and fsck, and gives it up by a trust root", async () => {
    await good("init", at("log"), "--origin", "lookup.example/log", "--index");
    expect(parseTrustFile(readFileSync(at("log/trust-root.json"), "utf8")).root.index).toBe(true);
    await serve();
    const digest = await publishKernel();
    // The status before the kernel says nothing of it; the next change brings the next status.
    expect((await lookUp("digest", digest, "none")).exitCode).toBe(EXIT.good);
    await changeIndex("on");
    expect((await lookUp("digest", digest, "some")).exitCode).toBe(EXIT.good);
    expect((await lookUp("digest", digest, "none")).exitCode).toBe(EXIT.no);
    expect((await lookUp("digest", NOTHING, "none")).exitCode).toBe(EXIT.good);
    await good("audit", server?.address ?? "", ...trust());
    await good("fsck", "--config", at("log", "touchstone.toml"));
    await changeIndex("off");
    const { exitCode, warnings } = await lookUp("digest", digest, "some");
    expect(exitCode).not.toBe(EXIT.good);
    expect(warnings).toContain("index-not-kept");
    await good("audit", server?.address ?? "", ...trust());
  }, 120_000);

  it("keeps the file where the configuration or the environment says, and makes it again where it is removed", async () => {
    await good("init", at("log"), "--origin", "lookup.example/log", "--index");
    expect(existsSync(at("log", "index.db"))).toBe(true);
    rmSync(at("log", "index.db"));
    await serve();
    expect((await lookUp("digest", NOTHING, "none")).exitCode).toBe(EXIT.good);
    expect(existsSync(at("log", "index.db"))).toBe(true);
  }, 60_000);
});

describe("a log whose statuses are issued by hand", () => {
  it("takes one that the signer's own replay has drawn", async () => {
    await good(
      ...[
        "init",
        at("log"),
        "--origin",
        "lookup.example/log",
        "--index",
        "--offline-status-key",
        "--status-days",
        "2",
      ],
    );
    await serve();
    const issue = () =>
      good("status", "publish", "--key", key("status"), ...trust(), ...to(), "--state", at("status.audit"));
    await issue();
    const digest = await publishKernel();
    expect((await lookUp("digest", digest, "none")).exitCode).toBe(EXIT.good);
    await issue();
    expect((await lookUp("digest", digest, "some")).exitCode).toBe(EXIT.good);
    await good("audit", server?.address ?? "", ...trust());
  }, 120_000);
});
