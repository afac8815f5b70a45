// A split view from end to end: one log's keys serve two logs. A verifier whose quorum is not the thief's refuses, the monitor proves it, and
// the file convinces `touchstone audit` and a program in Go that shares no line with ours.
import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { SplitView } from "../../src/auditor/split-view.ts";
import { EXIT } from "../../src/cli/context.ts";
import { serveLog } from "../../src/cli/serve-log.ts";
import type { RunningServer } from "../../src/http/server.ts";
import { packagePath } from "../../src/node/package-root.ts";
import { formatVerifierKey } from "../../src/protocol/note/key.ts";
import { parseTlogPolicy } from "../../src/protocol/note/tlog-policy.ts";
import { parseTrustFile } from "../../src/verifier/bundle/trust-pin.ts";
import { verifyBundle } from "../../src/verifier/bundle/verify-bundle.ts";
import { NOW } from "../support/clock.ts";
import { FoundedLog } from "../support/founded-log.ts";
import { signedCheckpoint } from "../support/notes.ts";
import { outcomeOf } from "../support/refusals.ts";
import { type CliRun, runCli } from "../support/run-cli.ts";
import { bundleBytes } from "../support/small-log.ts";
import { logKey, ORIGIN, tlogPolicy, witnessKey } from "../support/witnesses.ts";

const REAL = { now: () => new Date(), fetch: globalThis.fetch, environment: {} };
const EXAMPLE = packagePath("examples", "release", "example-kernel.json");

let folder: string;
const servers: RunningServer[] = [];
let proof: string;
const at = (...path: string[]) => join(folder, ...path);
const trust = () => ["--trust", at("log", "trust-root.json")];

const run = (...args: string[]): Promise<CliRun> => runCli(args, REAL);
async function good(...args: string[]): Promise<CliRun> {
  const ran = await run(...args);
  expect(ran.exitCode, `${args.join(" ")}: ${ran.warnings}`).toBe(EXIT.good);
  return ran;
}

/** Publishes the example kernel under so many versions of its own. */
async function publish(log: string, to: string, count: number): Promise<void> {
  const files: string[] = [];
  for (let i = 0; i < count; i++) {
    const statement = JSON.parse(readFileSync(EXAMPLE, "utf8")) as { predicate: object };
    const file = at(`${log}-${i}.json`);
    writeFileSync(
      file,
      JSON.stringify({ ...statement, predicate: { ...statement.predicate, version: `${log}.${i}` } }),
    );
    await good("sign", file, "--key", at("log", "keys", "publisher.pem"));
    files.push(file.replace(/json$/, "dsse.json"));
  }
  await good("publish", ...files, "--to", to, ...trust());
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "touchstone-split-view-"));
  await good("init", at("log"), "--origin", "split.example/log");
  cpSync(at("log"), at("twin"), { recursive: true });
  const context = { ...REAL, print: () => {}, warn: () => {}, interactive: false, confirm: async () => true };
  for (const log of ["log", "twin"])
    servers.push(await serveLog(at(log, "touchstone.toml"), 0, pino({ level: "silent" }), context));
  await publish("log", servers[0]!.address, 3);
  await publish("twin", servers[1]!.address, 5);
}, 120_000);
afterAll(async () => {
  for (const server of servers) await server.stop();
  rmSync(folder, { recursive: true, force: true });
});

describe("two logs under one key", () => {
  it("are refused by a verifier whose quorum has an honest witness", async () => {
    const witnesses = [await witnessKey("own.example"), await witnessKey("honest.example")];
    const logPolicy = tlogPolicy(await logKey(), witnesses);
    const honest = await FoundedLog.found({ logPolicy });
    const fork = await FoundedLog.found({ logPolicy });
    for (const log of [honest, fork]) {
      await log.publishPolicy(await log.publishRelease());
      if (log === fork) await log.publishRelease("9.9");
      await log.publishStatus();
    }
    const pin = { origin: ORIGIN, version: 1, digest: honest.envelopes[0]!.payloadDigest };
    const shows = async (log: FoundedLog, by: typeof witnesses) => {
      const size = log.envelopes.length;
      const head = { origin: ORIGIN, size, root: log.tree().roots.at(-1)! };
      const seconds = NOW.getTime() / 1000;
      const checkpoint = await signedCheckpoint(
        head,
        await logKey(),
        by.map((key) => [key, seconds]),
      );
      const bytes = bundleBytes(await log.bundle("production", { checkpoint }));
      return outcomeOf(() => verifyBundle(bytes, { pin, policy: "production", now: NOW, remembered: null }));
    };
    expect(await shows(honest, witnesses)).toBe("accepted");
    // The honest witness has seen the other tree, and does not cosign this one.
    expect(await shows(fork, witnesses.slice(0, 1))).toBe("checkpoint-not-authentic");
  });

  it("are proven by the monitor, which ends with 1 and pages as tamper alone", async () => {
    const [log, twin] = servers.map(({ address }) => address) as [string, string];
    const { exitCode, output } = await run(
      "monitor",
      log,
      twin,
      ...trust(),
      "--state",
      at("monitor"),
      "--json",
    );
    expect(exitCode).toBe(EXIT.no);
    const { open } = JSON.parse(output) as { open: Array<{ class: string; code: string; proof: string }> };
    expect(open.map((finding) => `${finding.class} ${finding.code}`)).toEqual(["tamper split-view"]);
    proof = open[0]!.proof;
    expect(readdirSync(at("monitor"))).toContain(proof.slice(at("monitor").length + 1));
  });

  it("are proven to anyone, offline, with the trust root alone", async () => {
    const { output } = await runCli(["audit", "--split-view", proof, ...trust()]).then((ran) => {
      expect(ran.exitCode).toBe(EXIT.good);
      return ran;
    });
    expect(output).toMatch(/^PROVEN: split\.example\/log signed two trees/);
    expect(output.match(/cosigned by split\.example\/log\/own-cosigner/g)).toHaveLength(2);
  });

  it("are not proven by a file of which anything was changed, nor under another trust root", async () => {
    const view = JSON.parse(readFileSync(proof, "utf8")) as SplitView;
    const says = async (change: Partial<SplitView>) => {
      writeFileSync(at("changed.json"), JSON.stringify({ ...view, ...change }));
      const { exitCode, warnings } = await runCli([
        "audit",
        "--split-view",
        at("changed.json"),
        ...trust(),
        "--json",
      ]);
      expect(exitCode).toBe(EXIT.no);
      return (JSON.parse(warnings) as { error: { code: string } }).error.code;
    };
    expect(await says({ smaller: view.larger })).toBe("consistency-proof");
    expect(await says({ larger: view.smaller })).toBe("consistency-proof");
    expect(await says({ beginning: `${"A".repeat(43)}=` })).toBe("consistency-proof");
    expect(await says({ smaller: view.smaller.replace(/^(\d+)$/m, "2") })).toBe("checkpoint-log-signature");
    expect(await says({ format: "other" as never })).toBe("malformed");
    await good("init", at("other"), "--origin", "split.example/log");
    const other = await runCli(["audit", "--split-view", proof, "--trust", at("other", "trust-root.json")]);
    expect(other.exitCode).toBe(EXIT.no);
  });

  it("convince a program in Go, which says of our vectors what we say", (test) => {
    const source = join(import.meta.dirname, "go-split-view");
    const program = at("go-split-view");
    const built = spawnSync("go", ["build", "-o", program, "."], {
      cwd: source,
      encoding: "utf8",
      timeout: 120_000,
    });
    if (built.error !== undefined) return test.skip("Go is not installed");
    if (built.status !== 0)
      return test.skip(`Go could not build it: ${built.stderr.trim().split("\n").at(-1)}`);
    const judges = (file: string, trustFile: string): string => {
      const [log] = parseTlogPolicy(parseTrustFile(trustFile).root.logPolicy).logs;
      return spawnSync(program, [file, formatVerifierKey(log!.key)], { encoding: "utf8" }).stdout.trim();
    };
    expect(judges(proof, readFileSync(at("log", "trust-root.json"), "utf8"))).toBe("proven");
    const vectors = JSON.parse(
      readFileSync(packagePath("test", "vectors", "formats", "split-view.json"), "utf8"),
    ) as {
      trustRoot: unknown;
      cases: Array<{ what: string; view: SplitView; result: string }>;
    };
    const trustFile = JSON.stringify(vectors.trustRoot);
    // It looks at no member but those that prove something.
    const cases = vectors.cases.filter(({ result }) => result !== "split-view-origin");
    for (const { what, view, result } of cases) {
      writeFileSync(at("case.json"), JSON.stringify(view));
      expect(judges(at("case.json"), trustFile) === "proven", what).toBe(result === "proven");
    }
  });
});
