// What the command line costs before it does anything: CPU time of the program beside that of Node itself, each in a process of its own.
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { formatTrustFile } from "../src/verifier/bundle/trust-pin.ts";
import { machineOf, makeWorld } from "../test/support/appraisal-world.ts";
import { NOW } from "../test/support/clock.ts";
import { interleave, type Measurement, ratios, spreadOf } from "./harness.ts";
import { CLI } from "./servers.ts";
import type { World } from "./world.ts";

/** Command lines, and how many times the CPU time of `node -e 0` they may take. */
const SUBJECTS = {
  "touchstone --version": 1.5,
  "touchstone --help": 1.5,
  "touchstone audit --help": 1.5,
  "touchstone describe os-image --help": 1.5,
  "touchstone bundle verify": 4,
} as const;
type Subject = keyof typeof SUBJECTS;

export async function measureStart({ rounds, folder }: World): Promise<Measurement[]> {
  const bundle = await writeBundle(folder);
  const run = (...args: string[]) => [CLI, ...args];
  const samples = await interleave<"node" | Subject, number>(rounds, {
    node: () => cpuMilliseconds(["-e", "0"]),
    "touchstone --version": () => cpuMilliseconds(run("--version")),
    "touchstone --help": () => cpuMilliseconds(run("--help")),
    "touchstone audit --help": () => cpuMilliseconds(run("audit", "--help")),
    "touchstone describe os-image --help": () => cpuMilliseconds(run("describe", "os-image", "--help")),
    "touchstone bundle verify": () => cpuMilliseconds(run("bundle", "verify", ...bundle)),
  });
  return (Object.keys(SUBJECTS) as Subject[]).map((what) => describe(what, samples.node, samples[what]));
}

function describe(what: Subject, node: readonly number[], figure: readonly number[]): Measurement {
  const times = ratios(figure, node).median;
  return {
    row: "start",
    what,
    unit: "ms of CPU time",
    floor: spreadOf(node),
    figure: spreadOf(figure),
    ratio: ratios(node, figure),
    target: `≤ ${SUBJECTS[what]} × the floor`,
    reached: times <= SUBJECTS[what],
    note: `floor: node -e 0; ${times.toFixed(2)} × the floor`,
  };
}

/** @returns the arguments that verify a policy bundle with some entries. */
async function writeBundle(folder: string): Promise<string[]> {
  const { bundle, log } = await makeWorld(await machineOf());
  const [root] = log.envelopes;
  if (root === undefined) throw new Error("the log has no trust root");
  const [file, trust] = [join(folder, "start.bundle.json"), join(folder, "start.trust-root.json")];
  writeFileSync(file, bundle);
  writeFileSync(trust, formatTrustFile(root));
  return [file, "--policy", "production", "--trust", trust, "--now", NOW.toISOString()];
}

/** User and system time of a run of Node, as the shell is told by the kernel. */
async function cpuMilliseconds(args: readonly string[]): Promise<number> {
  const script = 'TIMEFORMAT="%3U %3S"; { time "$@" >/dev/null 2>&1; } 2>&1';
  const times = execFileSync("bash", ["-c", script, "bash", process.execPath, ...args], { encoding: "utf8" });
  return times.split(" ").reduce((sum, seconds) => sum + Number(seconds) * 1000, 0);
}
