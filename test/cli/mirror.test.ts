// touchstone mirror and export: what they say, what they leave behind, and how they go on by themselves until they are stopped.
import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { keepMirroring } from "../../src/cli/keep-mirroring.ts";
import { ForkedError, type Mirrored } from "../../src/mirror/mirror.ts";
import { formatTrustFile } from "../../src/verifier/bundle/trust-pin.ts";
import { RefusedError, UnreachableError } from "../../src/verifier/service-errors.ts";
import {
  fetchFrom,
  type HonestLog,
  honestLog,
  PREFIX,
  type Served,
  serve,
  without,
} from "../auditor/served-log.ts";
import { installProgram } from "../support/installed-program.ts";
import { runCli } from "../support/run-cli.ts";

let folder: string;
let honest: HonestLog;
let served: Served;
const at = (...path: string[]) => join(folder, ...path);
const trust = () => ["--trust", at("trust.json")];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "touchstone-cli-mirror-"));
  honest = await honestLog();
  served = await serve(honest.log);
  writeFileSync(at("trust.json"), formatTrustFile(honest.trust.envelope));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const mirror = (from: Served, ...options: string[]) =>
  runCli(["mirror", PREFIX, at("copy"), ...options], { fetch: fetchFrom(from) });

describe("touchstone mirror", () => {
  it("says what it did, in a line or as JSON", async () => {
    const first = await mirror(served, ...trust());
    expect([first.exitCode, first.output]).toEqual([0, "log.example/touchstone: size 10, 10 entries added"]);
    const again = await mirror(served, ...trust(), "--json");
    expect(again.json()).toMatchObject({ outcome: "unchanged", size: 10, added: 0, missing: [] });
  });

  it("says loudly that it trusts on first use", async () => {
    const { exitCode, output } = await mirror(served, "--tofu");
    expect([exitCode, output.split("\n")[0]]).toEqual([
      0,
      `WARNING: trusted on first use: nobody vouches for ${honest.trust.digest}`,
    ]);
  });

  it("ends with 1 on an attachment that the log does not have, and names it", async () => {
    const lacking = without(served, `v1/attachments/sha256/${honest.attachment}`);
    const { exitCode, output } = await mirror(lacking, ...trust());
    expect([exitCode, output.includes(`MISSING attachment ${honest.attachment}`)]).toEqual([1, true]);
  });

  it("ends with 1 on a fork, and leaves what proves it to anybody in the folder", async () => {
    await mirror(served, ...trust());
    const seen = readFileSync(at("copy", "checkpoint"), "utf8");
    honest.log.envelopes.splice(4, 1);
    const { exitCode, warnings } = await mirror(await serve(honest.log), ...trust());
    expect([exitCode, warnings.includes("contradict each other")]).toEqual([1, true]);
    const proof = at("copy", "split-view-10-9.json");
    expect(JSON.parse(readFileSync(proof, "utf8"))).toMatchObject({
      larger: seen,
      smaller: await honest.log.checkpoint(9),
    });
    const told = await runCli(["audit", "--split-view", proof, ...trust()]);
    expect([told.exitCode, told.output.includes("PROVEN")]).toEqual([0, true]);
    expect(readFileSync(at("copy", "checkpoint"), "utf8")).toBe(seen);
  });

  it("goes on with a folder whose first round failed, and takes none of another log", async () => {
    expect((await mirror(new Map(), ...trust())).exitCode).toBe(1);
    expect(readdirSync(at("copy"))).toEqual([".lock"]);
    expect((await mirror(served, ...trust())).exitCode).toBe(0);
    const trustRoot = { ...JSON.parse(readFileSync(at("copy", "mirror.json"), "utf8")) };
    writeFileSync(
      at("copy", "mirror.json"),
      JSON.stringify({ ...trustRoot, pin: { ...trustRoot.pin, digest: "0".repeat(64) } }),
    );
    expect((await mirror(served, ...trust())).exitCode).toBe(0);
    writeFileSync(at("copy", "mirror.json"), "{}");
    expect((await mirror(served, ...trust())).warnings).toMatch("mirror state");
  });
});

const DONE: Mirrored = {
  outcome: "unchanged",
  origin: "log.example",
  size: 1,
  added: 0,
  missing: [],
  removed: 0,
  pin: { origin: "log.example", version: 1, digest: "00" },
};

describe("a mirror that goes on", () => {
  it("takes up what may pass in the next round, and ends when it is told to, after the round", async () => {
    const controller = new AbortController();
    const rounds = [
      () => Promise.reject(new UnreachableError("nobody")),
      () => Promise.reject(new RefusedError(503, null, "busy")),
      async (): Promise<Mirrored> => ({ ...DONE, outcome: "grown", added: 3 }),
      async () => {
        controller.abort();
        return DONE;
      },
    ];
    const warned: string[] = [];
    const round = () => rounds.shift()!();
    await keepMirroring(round, 0.001, controller.signal, { warn: (line) => void warned.push(line) });
    expect(rounds).toEqual([]);
    expect(warned.map((line) => line.replace(/ s: .*/, " s"))).toEqual([
      "this round failed, the next one is in 0.001 s",
      "this round failed, the next one is in 0.001 s",
      "log.example: size 1, 3 entries added",
    ]);
  });

  it("ends at once on a fork", async () => {
    const round = () => Promise.reject(new ForkedError(1, 1, null));
    const { signal } = new AbortController();
    await expect(keepMirroring(round, 1, signal, { warn: () => undefined })).rejects.toThrow(ForkedError);
  });
});

it("serves what it copies until SIGTERM, one process to a folder", { timeout: 120_000 }, async () => {
  for (const [path, bytes] of served) {
    mkdirSync(dirname(at("log", path)), { recursive: true });
    writeFileSync(at("log", path), bytes);
  }
  const main = await installProgram(at("program"));
  const args = ["mirror", at("log"), at("copy"), ...trust(), "--serve", "127.0.0.1:0", "--every", "1"];
  const child = spawn(process.execPath, [main, ...args], { stdio: ["ignore", "pipe", "inherit"] });
  try {
    const [url] = (await once(createInterface({ input: child.stdout }), "line")) as [string];
    while (!existsSync(at("copy", "checkpoint"))) await new Promise((resolve) => setTimeout(resolve, 50));
    const response = await fetch(`${url}/tile/0/000.p/10`);
    expect(Buffer.from(await response.arrayBuffer()).equals(served.get("tile/0/000.p/10")!)).toBe(true);
    const second = await mirror(served, ...trust());
    expect([second.exitCode, second.warnings.includes("another process writes to this mirror")]).toEqual([
      2,
      true,
    ]);
  } finally {
    child.kill("SIGTERM");
  }
  expect(await once(child, "exit")).toEqual([0, null]);
});
