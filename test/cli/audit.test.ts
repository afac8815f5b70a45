// touchstone audit: what it prints, what it leaves behind, and the exit codes that scripts rely on.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { CommanderError } from "commander";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { EXIT, exitCodeOf } from "../../src/cli/context.ts";
import { createProgram } from "../../src/cli/program.ts";
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
import { NOW } from "../support/log-fixture.ts";

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

interface Outcome {
  readonly exit: number;
  readonly printed: string;
  readonly warned: string;
}

async function run(
  args: readonly string[],
  fetch = fetchFrom(served),
  interactive = false,
): Promise<Outcome> {
  const printed: string[] = [];
  const warned: string[] = [];
  const program = createProgram({
    environment: {},
    now: () => NOW,
    fetch,
    print: (text) => void printed.push(text),
    warn: (text) => void warned.push(text),
    interactive,
  });
  const exit = await program.parseAsync(["node", "touchstone", "audit", ...args]).then(
    () => EXIT.good,
    (error: unknown) => (error instanceof CommanderError ? EXIT.usage : exitCodeOf(error)),
  );
  return { exit, printed: printed.join("\n"), warned: warned.join("\n") };
}

const trust = () => ["--trust", join(folder, "trust.json")];

describe("touchstone audit", () => {
  it("exits 0 when nothing was found, with no progress in a pipe", async () => {
    const { exit, printed, warned } = await run([PREFIX, ...trust()]);
    expect({ exit, warned }).toEqual({ exit: 0, warned: "" });
    expect(printed).toMatch(/nothing found$/);
    expect(printed).toMatch("10 entries (0 known before), 10 signatures, 1 statuses, 1 attachments checked");
  });

  it("shows progress to a person", async () => {
    expect((await run([PREFIX, ...trust()], undefined, true)).warned).toBe("audited 10 of 10 entries");
  });

  it("prints one JSON value", async () => {
    const { exit, printed } = await run([PREFIX, ...trust(), "--json"]);
    expect(exit).toBe(0);
    expect(JSON.parse(printed)).toMatchObject({
      size: 10,
      findings: [],
      secondOpinion: "agrees",
      evidence: null,
    });
  });

  it("exits 1 on tampering, with and without --json", async () => {
    const tampered = fetchFrom(flipBit(served, "tile/entries/000.p/10", 40));
    const { exit, printed } = await run([PREFIX, ...trust()], tampered);
    expect(exit).toBe(1);
    expect(printed).toMatch("FINDING entry-differs: entry 0");
    const json = await run([PREFIX, ...trust(), "--json"], tampered);
    expect(json.exit).toBe(1);
    expect(JSON.parse(json.printed).findings).toMatchObject([{ code: "entry-differs", index: 0 }]);
  });

  it("exits 1 on a rollback, and leaves both checkpoints beside the state file", async () => {
    const state = join(folder, "audit.db");
    const args = [PREFIX, ...trust(), "--state", state];
    expect((await run(args)).exit).toBe(0);
    const { exit, printed } = await run(args, fetchFrom(await serve(honest.log, 9)));
    expect(exit).toBe(1);
    expect(printed).toMatch("FINDING checkpoint-rolled-back");
    expect(JSON.parse(readFileSync(`${state}.evidence-9.json`, "utf8"))).toEqual({
      seen: await honest.log.checkpoint(10),
      shown: await honest.log.checkpoint(9),
    });
  });

  it("says loudly that it trusts on first use", async () => {
    const { exit, printed } = await run([PREFIX, "--tofu"]);
    expect(exit).toBe(0);
    expect(printed).toMatch(/^WARNING: trusted on first use/);
  });

  it("reads a mirror's folder", async () => {
    const mirror = join(folder, "mirror");
    for (const [path, bytes] of served) {
      mkdirSync(dirname(join(mirror, path)), { recursive: true });
      writeFileSync(join(mirror, path), bytes);
    }
    expect((await run([mirror, ...trust()])).exit).toBe(0);
  });

  it.each([
    ["neither --trust nor --tofu", () => [PREFIX]],
    ["both of them", () => [PREFIX, "--tofu", ...trust()]],
    ["a trust file that is not there", () => [PREFIX, "--trust", join(folder, "none")]],
    ["a state file that is something else", () => [PREFIX, "--tofu", "--state", join(folder, "trust.json")]],
    ["no URL", () => ["--tofu"]],
  ])("exits 2 on %s", async (_, args) => {
    expect((await run(args())).exit).toBe(2);
  });

  it("exits 3 when there is no log", async () => {
    expect((await run([PREFIX, ...trust()], fetchFrom(new Map()))).exit).toBe(3);
    expect((await run([join(folder, "none"), ...trust()])).exit).toBe(3);
    expect(existsSync(join(folder, "none"))).toBe(false);
  });
});
