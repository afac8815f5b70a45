// touchstone audit: what it prints, what it leaves behind, and the exit codes that scripts rely on.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
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
import { runCli } from "../support/run-cli.ts";

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

  it.each([
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
