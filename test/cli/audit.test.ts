// touchstone audit: what it prints, what it leaves behind, and the exit codes that scripts rely on.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { checkProgress } from "../../src/cli/check-progress.ts";
import { backUp } from "../../src/log/maintenance/backup.ts";
import { proveInclusion } from "../../src/protocol/merkle/inclusion.ts";
import { formatTlogProof } from "../../src/protocol/note/tlog-proof.ts";
import { formatTrustFile } from "../../src/verifier/bundle/trust-pin.ts";
import {
  fetchFrom,
  flipBit,
  type HonestLog,
  honestLog,
  PREFIX,
  type Served,
  serve,
} from "../auditor/served-log.ts";
import { NOW } from "../support/clock.ts";
import { LogHarness } from "../support/log-harness.ts";
import { runCli } from "../support/run-cli.ts";
import { signPlatforms } from "../support/signing.ts";
import { bundleBytes } from "../support/small-log.ts";

let folder: string;
let honest: HonestLog;
let served: Served;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "touchstone-cli-audit-"));
  honest = await honestLog();
  served = await serve(honest.log);
  writeFileSync(join(folder, "trust.json"), formatTrustFile(honest.trust.envelope));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const run = (args: readonly string[], fetch = fetchFrom(served), interactive = false) =>
  runCli(["audit", ...args], { fetch, interactive });

const trust = () => ["--trust", join(folder, "trust.json")];

describe("touchstone audit", () => {
  it("exits 0 when nothing was found, with no progress in a pipe", async () => {
    const { exitCode, output, warnings } = await run([PREFIX, ...trust()]);
    expect({ exitCode, warnings }).toEqual({ exitCode: 0, warnings: "" });
    expect(output).toMatch(/nothing found$/);
    expect(output).toMatch("10 entries (0 known before), 10 signatures, 1 statuses, 1 attachments checked");
  });

  it("shows progress to a person", async () => {
    expect((await run([PREFIX, ...trust()], undefined, true)).warnings).toBe("audited 10 of 10 entries");
  });

  it("prints one JSON value", async () => {
    const { exitCode, output } = await run([PREFIX, ...trust(), "--json"]);
    expect(exitCode).toBe(0);
    expect(JSON.parse(output)).toMatchObject({
      size: 10,
      findings: [],
      secondOpinion: "agrees",
      evidence: null,
    });
  });

  it("exits 1 on tampering, with and without --json", async () => {
    const tampered = fetchFrom(flipBit(served, "tile/entries/000.p/10", 40));
    const { exitCode, output } = await run([PREFIX, ...trust()], tampered);
    expect(exitCode).toBe(1);
    expect(output).toMatch("FINDING entry-differs: entry 0");
    const json = await run([PREFIX, ...trust(), "--json"], tampered);
    expect(json.exitCode).toBe(1);
    expect(json.json().findings).toMatchObject([{ code: "entry-differs", index: 0 }]);
  });

  it("exits 1 on a rollback, and leaves both checkpoints beside the state file", async () => {
    const state = join(folder, "audit.db");
    const args = [PREFIX, ...trust(), "--state", state];
    expect((await run(args)).exitCode).toBe(0);
    const { exitCode, output } = await run(args, fetchFrom(await serve(honest.log, 9)));
    expect(exitCode).toBe(1);
    expect(output).toMatch("FINDING checkpoint-rolled-back");
    expect(JSON.parse(readFileSync(`${state}.evidence-9.json`, "utf8"))).toEqual({
      seen: await honest.log.checkpoint(10),
      shown: await honest.log.checkpoint(9),
    });
  });

  it("says loudly that it trusts on first use", async () => {
    const { exitCode, output } = await run([PREFIX, "--tofu"]);
    expect(exitCode).toBe(0);
    expect(output).toMatch(/^WARNING: trusted on first use/);
  });

  it("reads a mirror's folder", async () => {
    const mirror = join(folder, "mirror");
    for (const [path, bytes] of served) {
      mkdirSync(dirname(join(mirror, path)), { recursive: true });
      writeFileSync(join(mirror, path), bytes);
    }
    expect((await run([mirror, ...trust()])).exitCode).toBe(0);
  });

  it("with a clock that goes says how fast it is, and when it ends", () => {
    let ms = NOW.getTime();
    const now = () => {
      ms += 700;
      return new Date(ms);
    };
    const shown: string[] = [];
    const report = checkProgress("audited", { now, warn: (line) => void shown.push(line) });
    for (let checked = 256; checked <= 1024; checked += 256) report(checked, 100_000);
    expect(shown).toEqual([
      "audited 256 of 100000 entries",
      "audited 768 of 100000 entries, 366 a second, 5 min left",
    ]);
  });

  it("lists what it did not check, and what no audit can; --strict ends with 1 for the first alone", async () => {
    const whole = await run([PREFIX, ...trust(), "--strict"]);
    expect([whole.exitCode, whole.output.includes("NOT CHECKED")]).toEqual([0, false]);
    expect(whole.output).toMatch("no audit can check that others are shown this tree");
    for (const [strict, exitCode] of [
      [[], 0],
      [["--strict"], 1],
    ] as const) {
      const tiles = await run([PREFIX, ...trust(), "--depth", "tiles", ...strict]);
      expect(tiles.exitCode).toBe(exitCode);
      expect(tiles.output).toMatch("NOT CHECKED entries: only tiles were read");
    }
  });

  it("holds a bundle and a proof against the log", async () => {
    const { log } = honest;
    const size = log.envelopes.length;
    const proof = proveInclusion(3, size, log.tree().readNode);
    writeFileSync(join(folder, "prod.bundle.json"), bundleBytes(await log.bundle("production")));
    writeFileSync(
      join(folder, "x.tlog-proof"),
      formatTlogProof({ index: 3, proof, checkpoint: await log.checkpoint() }),
    );
    writeFileSync(join(folder, "x.dsse.json"), log.envelopes[3]!.leaf);
    const files = ["--bundle", join(folder, "prod.bundle.json"), "--policy", "production"];
    const both = [...files, "--proof", join(folder, "x.tlog-proof"), "--strict"];
    const { exitCode, output } = await run([PREFIX, ...trust(), ...both]);
    expect(exitCode).toBe(0);
    expect(output).toMatch("shown and in this log: policy/production@1, entry 8");
    writeFileSync(join(folder, "x.dsse.json"), log.envelopes[4]!.leaf);
    const other = await run([PREFIX, ...trust(), ...both]);
    expect([other.exitCode, other.output.includes("FINDING proof-refused")]).toEqual([1, true]);
    const tampered = fetchFrom(flipBit(served, "tile/entries/000.p/10", 40));
    expect((await run([PREFIX, ...trust(), ...files], tampered)).output).toMatch("NOT CHECKED bundle: ");
  });

  it("reads the file of a backup", async () => {
    const harness = await LogHarness.make({ withStatus: true });
    try {
      const log = await harness.create();
      await log.publish(await signPlatforms(harness.keys, "vm", 300));
      await backUp(harness.databaseFile, join(folder, "backup.db"), { now: NOW });
      const root = await log.read.readEntry(0);
      await log.close();
      writeFileSync(join(folder, "trust.json"), formatTrustFile(root!.envelope));
    } finally {
      harness.remove();
    }
    const { exitCode, output } = await run([join(folder, "backup.db"), ...trust(), "--strict"]);
    expect(output).toMatch(/nothing found$/);
    expect(exitCode).toBe(0);
  });

  it.each([
    ["a bundle without the policy that it must be of", () => [PREFIX, ...trust(), "--bundle", "x.json"]],
    ["a bundle without a pin", () => [PREFIX, "--tofu", "--bundle", "x.json", "--policy", "p"]],
    ["tiles without a pin", () => [PREFIX, "--tofu", "--depth", "tiles"]],
    ["a depth that is none", () => [PREFIX, ...trust(), "--depth", "deep"]],
    ["a proof of another name", () => [PREFIX, ...trust(), "--proof", join(folder, "trust.json")]],
    ["a file that is no database", () => [join(folder, "trust.json"), ...trust()]],
    ["neither --trust nor --tofu", () => [PREFIX]],
    ["both of them", () => [PREFIX, "--tofu", ...trust()]],
    ["a trust file that is not there", () => [PREFIX, "--trust", join(folder, "none")]],
    ["a state file that is something else", () => [PREFIX, "--tofu", "--state", join(folder, "trust.json")]],
    ["no URL", () => ["--tofu"]],
  ])("exits 2 on %s", async (_, args) => {
    expect((await run(args())).exitCode).toBe(2);
  });

  it("exits 1 when the server says that there is no log, 2 when there is no such folder", async () => {
    expect((await run([PREFIX, ...trust()], fetchFrom(new Map()))).exitCode).toBe(1);
    expect((await run([join(folder, "none"), ...trust()])).exitCode).toBe(2);
    expect(existsSync(join(folder, "none"))).toBe(false);
  });
});
