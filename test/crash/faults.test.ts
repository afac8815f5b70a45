// Faults of every kind on a log that the real program serves, and after each of them the log re-read by a stranger: nothing that was
// acknowledged is lost, no checkpoint that anybody saw is contradicted, and what cannot be healed is said. CRASH_ROUNDS says how often each
// (default 1; the long form is 20). A table of all of it is printed at the end.
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  copyFileSync,
  cpSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { installProgram } from "../support/installed-program.ts";
import { CuttableNetwork } from "./cuttable-network.ts";
import { TestWitness, type WitnessMode } from "./honest-witness.ts";
import { ServedProcess } from "./served-process.ts";

const ROUNDS = Number(process.env.CRASH_ROUNDS ?? 1);

interface Row {
  readonly fault: string;
  readonly rounds: number;
  readonly lost: number;
  readonly forked: number;
  readonly detected: string;
}

let folder: string;
let program: string;
const table: Row[] = [];
let served: ServedProcess | undefined;
let witnesses: TestWitness[] = [];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "touchstone-faults-"));
  program = await installProgram(join(folder, "program"));
}, 120_000);
afterEach(async () => {
  await served?.remove();
  served = undefined;
  for (const witness of witnesses) witness.stop();
  witnesses = [];
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
  const line = (cells: readonly unknown[]) => `| ${cells.join(" | ")} |`;
  const head = ["fault", "rounds", "lost", "forked", "detected"];
  console.log(
    [line(head), line(head.map(() => "---")), ...table.map((row) => line(Object.values(row)))].join("\n"),
  );
});

async function found(count = 0): Promise<ServedProcess> {
  for (let i = 1; i <= count; i++) witnesses.push(await TestWitness.start(`w${i}.example`));
  served = await ServedProcess.found(program, witnesses);
  return served;
}

async function started(count = 0): Promise<ServedProcess> {
  const log = await found(count);
  expect(await log.start()).toBeNull();
  await log.untilPublished();
  return log;
}

/** The log goes on, and a stranger finds nothing wrong with it. */
async function goesOn(log: ServedProcess, fault: string, detected: string, rounds = ROUNDS): Promise<void> {
  await log.untilPublished();
  table.push({ fault, rounds, ...(await log.audit()), detected });
}

/** strace makes system calls of a process fail, or kills it at one of them. */
function straceWorks(): boolean {
  const { status } = spawnSync("strace", ["-f", "-qq", "-e", "trace=none", "true"]);
  return status === 0;
}

/** Whether this user may make namespaces for networks and mounts. */
function mayMakeNamespaces(): boolean {
  return (
    process.getuid?.() === 0 &&
    spawnSync("unshare", ["-m", "-n", "true"]).status === 0 &&
    spawnSync("ip", ["-V"]).status === 0
  );
}

const DURABLE_CALLS = "pwrite64,fdatasync,fsync,rename,renameat2,ftruncate";

/** As a daemon beside the program, so that signals for the program are its own. Each thread's calls are counted by themselves. */
const tracing = (output: string) => [
  "strace",
  "-D",
  "-f",
  "-qq",
  "-o",
  output,
  "-e",
  `trace=${DURABLE_CALLS}`,
];

/** How many of them one start and five entries take, in the thread that makes most of them. */
async function countDurableCalls(log: ServedProcess): Promise<number> {
  const output = log.at("calls");
  expect(await log.start({ wrapper: tracing(output) })).toBeNull();
  await log.publish(5);
  await log.end("SIGKILL");
  const byThread = new Map<string, number>();
  for (const line of readFileSync(output, "utf8").split("\n")) {
    const [, thread = "", call] = /^(\d+) +(\w+)\(/.exec(line) ?? [];
    if (call !== undefined) byThread.set(thread, (byThread.get(thread) ?? 0) + 1);
  }
  return Math.max(...byThread.values());
}

describe("kill -9", () => {
  it("at random, under load", { timeout: 60_000 + ROUNDS * 60_000 }, async () => {
    const log = await found(2);
    for (let round = 1; round <= 2 * ROUNDS; round++) {
      expect(await log.start()).toBeNull();
      const load = Promise.all([log.publish(40), log.publish(40)]);
      await pause((round * 7919) % 300);
      await log.end("SIGKILL");
      await load;
    }
    expect(await log.start()).toBeNull();
    await goesOn(log, "kill -9 at random", "-", 2 * ROUNDS);
    expect(log.acknowledged.size).toBeGreaterThan(0);
  });

  it("at each system call that makes something durable", {
    timeout: 120_000 + ROUNDS * 240_000,
  }, async (test) => {
    if (!straceWorks()) return test.skip("strace is not installed, or may not trace");
    const log = await started();
    await log.end("SIGTERM");
    const calls = await countDurableCalls(log);
    // The short form takes some of them, the long form all.
    const rounds = ROUNDS >= 20 ? calls : Math.min(calls, 8 * ROUNDS);
    let killed = 0;
    for (let round = 0; round < rounds; round++) {
      const when = 1 + Math.floor((round * calls) / rounds);
      const inject = ["-e", `inject=${DURABLE_CALLS}:signal=KILL:when=${when}`];
      if ((await log.start({ wrapper: [...tracing("/dev/null"), ...inject] })) === null) await log.publish(5);
      if (await isGone(log)) killed++;
      await log.end("SIGKILL");
    }
    expect(killed).toBeGreaterThan(0);
    expect(await log.start()).toBeNull();
    await goesOn(log, `kill -9 at a durable system call, of ${calls}`, "-", killed);
  });
});

describe("a disk that fails", () => {
  it.for(["ENOSPC", "EIO"])("with %s, and then works again", { timeout: 180_000 }, async (error, test) => {
    if (!straceWorks()) return test.skip("strace is not installed, or may not trace");
    const log = await started();
    let refusals = 0;
    for (let round = 0; round < ROUNDS; round++) {
      const inject = `inject=pwrite64,fdatasync,fsync:error=${error}`;
      const calls = "trace=pwrite64,fdatasync,fsync";
      const strace = spawn("strace", [
        "-f",
        "-qq",
        "-o",
        "/dev/null",
        "-p",
        String(log.pid),
        "-e",
        calls,
        "-e",
        inject,
      ]);
      await pause(1500);
      const answers = await log.publish(4);
      refusals += answers.filter((status) => status === 503).length;
      expect(answers.filter((status) => status === 201)).toEqual([]);
      const detached = once(strace, "exit");
      strace.kill("SIGTERM");
      await detached;
      // A disk that has lied about what is durable may end the process: it starts again on what is there.
      if (await isGone(log)) expect(await log.start()).toBeNull();
    }
    await goesOn(log, `${error} from the disk`, `${refusals} of ${4 * ROUNDS} refused with 503`);
  });

  it("and holds a database that cannot be written", { timeout: 120_000 }, async (test) => {
    if (!mayMakeNamespaces()) return test.skip("mounting for reading alone needs a privilege");
    const log = await started();
    await log.end("SIGTERM");
    const readOnly = `mount --bind "${log.harness.folder}" "${log.harness.folder}" && mount -o remount,ro,bind "${log.harness.folder}" && exec "$0" "$@"`;
    const refused = await log.start({ wrapper: ["unshare", "-m", "bash", "-c", readOnly] });
    expect(refused?.code).toBe(2);
    expect(refused?.said).toMatch(/read-?only|unable to open database file/i);
    expect(await log.start()).toBeNull();
    await goesOn(log, "database on a read-only disk", "refuses to start", 1);
  });
});

async function isGone(log: ServedProcess): Promise<boolean> {
  for (let i = 0; i < 20; i++) {
    try {
      await log.get("healthz");
      return false;
    } catch {
      await pause(100);
    }
  }
  return true;
}

describe("a migration", () => {
  it("that is interrupted happened or did not", { timeout: 120_000 + ROUNDS * 60_000 }, async (test) => {
    if (!straceWorks()) return test.skip("strace is not installed, or may not trace");
    const log = await started();
    await log.publish(50);
    await log.end("SIGTERM");
    const newer = withOneMoreMigration();
    const rounds = ROUNDS >= 20 ? 40 : 6 * ROUNDS;
    let killed = 0;
    for (let round = 0; round < rounds; round++) {
      const when = 1 + Math.floor((round * 40) / rounds);
      const inject = ["-e", `inject=${DURABLE_CALLS}:signal=KILL:when=${when}`];
      if ((await log.start({ wrapper: [...tracing("/dev/null"), ...inject], program: newer })) !== null)
        killed++;
      await log.end("SIGKILL");
    }
    expect(killed).toBeGreaterThan(0);
    expect(await log.start({ program: newer })).toBeNull();
    await goesOn(log, "kill -9 during a migration", "-", killed);
    await log.end("SIGTERM");
    expect(await log.start()).toMatchObject({
      code: 2,
      said: expect.stringMatching(/schema|migration|version/),
    });
  });
});

/** The program of a version that has one more migration than ours, of a size that takes several writes. */
function withOneMoreMigration(): string {
  const newer = join(folder, "newer");
  const installed = join(folder, "program");
  for (const part of ["dist", "migrations"])
    cpSync(join(installed, part), join(newer, part), { recursive: true, dereference: true });
  for (const part of ["node_modules", "package.json", "examples"])
    symlinkSync(join(installed, part), join(newer, part));
  const migrations = join(newer, "migrations", "sqlite");
  const number = String(readdirSync(migrations).length + 1).padStart(4, "0");
  const sql =
    "CREATE TABLE copies (leaf BLOB NOT NULL) STRICT;\nINSERT INTO copies SELECT randomblob(4000) FROM entries;\n";
  writeFileSync(join(migrations, `${number}_copies.sql`), sql);
  return join(newer, "dist", "cli", "main.js");
}

describe("a clock that jumps", () => {
  it("forth and back while the log runs, makes nothing that lasts", { timeout: 180_000 }, async () => {
    const log = await found();
    const offset = log.at("clock-offset");
    writeFileSync(offset, "0");
    const preload = log.at("jumping-clock.mjs");
    writeFileSync(preload, JUMPING_CLOCK);
    const environment = { NODE_OPTIONS: `--import=${preload}`, CLOCK_OFFSET: offset };
    expect(await log.start({ environment })).toBeNull();
    await log.untilPublished();
    for (let round = 0; round < ROUNDS; round++) {
      for (const days of [40, -40, 3, 0]) {
        writeFileSync(offset, String(days * 86_400_000));
        await pause(300);
        await log.publish(3);
      }
    }
    await pause(1500);
    await goesOn(log, "clock 40 days forth and back", "cosigned and issued anew", 4 * ROUNDS);
    const note = await (await log.get("checkpoint")).text();
    const seconds = Buffer.from(/^— own\.example (\S+)$/m.exec(note)![1]!, "base64").readBigUInt64BE(4);
    expect(Math.abs(Number(seconds) - Date.now() / 1000)).toBeLessThan(300);
  });
});

/** Adds to every reading of the clock what a file says, in milliseconds. */
const JUMPING_CLOCK = `
import { readFileSync } from "node:fs";
const RealDate = Date;
const now = () => RealDate.now() + Number(readFileSync(process.env.CLOCK_OFFSET, "utf8") || 0);
globalThis.Date = class extends RealDate {
  constructor(...args) {
    if (args.length === 0) super(now());
    else super(...args);
  }
  static now() {
    return now();
  }
};
`;

describe("a backup put back", () => {
  it("together with its high-water file is noticed by the witness that has seen more", {
    timeout: 180_000,
  }, async () => {
    const log = await started(2);
    await log.end("SIGTERM");
    for (const file of ["log.db", "high-water"]) copyFileSync(log.at(file), log.at(`${file}.old`));
    expect(await log.start()).toBeNull();
    await log.publish(20);
    await log.untilPublished();
    await log.end("SIGTERM");
    for (const file of ["log.db", "high-water"]) {
      copyFileSync(log.at(file), log.at(`${file}.new`));
      copyFileSync(log.at(`${file}.old`), log.at(file));
    }
    for (const file of ["log.db-wal", "log.db-shm"]) rmSync(log.at(file), { force: true });
    const refused = await log.start();
    expect(refused).toMatchObject({
      code: 2,
      said: expect.stringMatching(/the witnesses that have seen more \(.+\).*touchstone recover/),
    });
    for (const file of ["log.db", "high-water"]) copyFileSync(log.at(`${file}.new`), log.at(file));
    for (const file of ["log.db-wal", "log.db-shm"]) rmSync(log.at(file), { force: true });
    expect(await log.start()).toBeNull();
    await goesOn(
      log,
      "backup put back, witnesses ahead",
      "refuses to start, names the witnesses and recover",
      1,
    );
  });

  it("without its high-water file's consent is refused at the start", { timeout: 120_000 }, async () => {
    const log = await started();
    await log.end("SIGTERM");
    copyFileSync(log.at("log.db"), log.at("old.db"));
    expect(await log.start()).toBeNull();
    await log.publish(5);
    await log.untilPublished();
    await log.end("SIGTERM");
    copyFileSync(log.at("log.db"), log.at("new.db"));
    copyFileSync(log.at("old.db"), log.at("log.db"));
    const refused = await log.start();
    expect(refused).toMatchObject({ code: 2, said: expect.stringContaining("touchstone recover") });
    copyFileSync(log.at("new.db"), log.at("log.db"));
    expect(await log.start()).toBeNull();
    await goesOn(log, "backup put back, high-water file ahead", "refuses to start, names recover", 1);
  });
});

describe("witnesses, of which the quorum needs one of two", () => {
  it.each<WitnessMode>(["down", "slow", "garbles", "boasts", "forked", "babbles"])(
    "one that is %s costs nothing; both of them stop publishing, and nothing else",
    { timeout: 120_000 },
    async (mode) => {
      const log = await started(2);
      witnesses[0]!.mode = mode;
      for (let round = 0; round < ROUNDS; round++) await log.untilPublished();
      expect((await log.audit("published")).lost).toBe(0);
      witnesses[1]!.mode = mode;
      const answers = await log.publish(2);
      if (mode !== "slow") expect(answers.filter((status) => status === 201)).toEqual([]);
      expect((await log.audit("published")).lost).toBe(0);
      for (const witness of witnesses) witness.mode = "honest";
      await goesOn(log, `witness ${mode}`, mode === "slow" ? "-" : "publishing waits or is refused");
    },
  );
});

describe("a network that is cut between log and witnesses", () => {
  it("stops publishing until it is mended", { timeout: 180_000 }, async (test) => {
    if (!mayMakeNamespaces()) return test.skip("network namespaces need a privilege");
    const space = CuttableNetwork.make();
    try {
      for (const name of ["w1.example", "w2.example"])
        witnesses.push(await TestWitness.start(name, "0.0.0.0"));
      served = await ServedProcess.found(program, witnesses, space.witnessHost);
      const log = served;
      expect(await log.start({ wrapper: space.wrapper, host: space.logHost })).toBeNull();
      await log.untilPublished();
      for (let round = 0; round < ROUNDS; round++) {
        space.cut();
        const answers = await log.publish(3);
        expect(answers.filter((status) => status === 201)).toEqual([]);
        space.mend();
        await log.untilPublished(120);
      }
      await goesOn(log, "network cut between log and witnesses", "nothing is published meanwhile");
    } finally {
      await served?.end("SIGKILL");
      space.remove();
    }
  });
});
