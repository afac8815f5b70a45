// Servers in processes of their own, and what a process has used so far, as the kernel counts it.
import { type ChildProcess, fork, spawn } from "node:child_process";
import { closeSync, openSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export interface Served {
  readonly url: string;
  readonly pid: number;
  /** Milliseconds from the start of its process until it said that it is ready. */
  readonly startMs: number;
  stop(): Promise<void>;
}

/** The program as it is published, bundled by bench/main.ts. */
export const CLI = fileURLToPath(new URL("../dist/cli/main.js", import.meta.url));
const POLL_MS = 2;

/** None of them outlives a measurement that fails. */
const running = new Set<ChildProcess>();
process.once("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

/** `touchstone serve` on the log in a folder, as a user runs it; on the cores of a list such as "0,1" where one is given. */
export function serveLog(folder: string, cores?: string): Promise<Served> {
  const args = ["serve", "--config", join(folder, "touchstone.toml"), "--port", "0"];
  const output = join(folder, "serve.out");
  if (cores === undefined) return serveCommand(output, args);
  // It becomes the program: the process is the same.
  return startProgram("taskset", ["-c", cores, process.execPath, ...profiling(), CLI, ...args], output);
}

/** `touchstone gate`, on a free port. */
export function serveGate(folder: string, args: readonly string[]): Promise<Served> {
  return serveCommand(join(folder, "gate.out"), ["gate", "--listen", "127.0.0.1:0", ...args]);
}

function serveCommand(output: string, args: readonly string[]): Promise<Served> {
  return startProgram(process.execPath, [...profiling(), CLI, ...args], output);
}

/** A program that prints its URL when it is ready. Its output goes to a file. */
export async function startProgram(
  program: string,
  args: readonly string[],
  output: string,
): Promise<Served> {
  const file = openSync(output, "w");
  const begun = performance.now();
  const child = spawn(program, args, { stdio: ["ignore", file, "inherit"] });
  closeSync(file);
  for (;;) {
    const url = /^http:\S+/m.exec(readFileSync(output, "utf8"))?.[0];
    if (url !== undefined) return servedBy(child, url, performance.now() - begun);
    if (child.exitCode !== null) throw new Error(`${program} ${args.join(" ")} ended with ${child.exitCode}`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

/** BENCH_PROFILE=folder leaves a CPU profile of every service there. */
function profiling(): string[] {
  const folder = process.env.BENCH_PROFILE;
  return folder === undefined ? [] : ["--cpu-prof", `--cpu-prof-dir=${folder}`];
}

/** A server of this folder: it gets one string, and sends its URL when it is ready. */
export function startServerProcess(module: URL, argument: string): Promise<Served> {
  const begun = performance.now();
  const child = fork(fileURLToPath(module), [argument]);
  return new Promise((resolve, reject) => {
    child.once("message", ({ url }: { url: string }) =>
      resolve(servedBy(child, url, performance.now() - begun)),
    );
    child.once("exit", (code) => reject(new Error(`${module.pathname} ended with ${code}`)));
  });
}

/** A server in a process that was started, and is ended with this one at the latest. */
export function servedBy(child: ChildProcess, url: string, startMs: number): Served {
  running.add(child);
  const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  return {
    url,
    pid: child.pid ?? 0,
    startMs,
    async stop() {
      child.kill("SIGTERM");
      await exited;
      running.delete(child);
    },
  };
}

/**
 * Seconds that the threads of a process and of those that it started have run (/proc/pid/task/tid/schedstat, nanoseconds); NaN where there
 * is no /proc.
 */
export function cpuSeconds({ pid }: Pick<Served, "pid">): number {
  try {
    return nanosecondsOf(pid) / 1e9;
  } catch {
    return Number.NaN;
  }
}

/** How long a thread has run, by the number and the name that the kernel knows it by. */
interface ThreadTime {
  readonly id: number;
  readonly name: string;
  readonly seconds: number;
}

/** Of each thread of a process that still runs. */
export function threadTimes({ pid }: Pick<Served, "pid">): ThreadTime[] {
  return readdirSync(`/proc/${pid}/task`)
    .map(Number)
    .map((id) => {
      const name = readFileSync(`/proc/${pid}/task/${id}/comm`, "utf8").trim();
      return { id, name, seconds: ranOf(pid, id) / 1e9 };
    });
}

function nanosecondsOf(pid: number): number {
  const threads = readdirSync(`/proc/${pid}/task`).map(Number);
  const ran = threads.map((id) => {
    const children = readFileSync(`/proc/${pid}/task/${id}/children`, "utf8").split(" ").filter(Boolean);
    return children.reduce((sum, child) => sum + nanosecondsOf(Number(child)), ranOf(pid, id));
  });
  return ran.reduce((sum, nanoseconds) => sum + nanoseconds, 0);
}

/** Nanoseconds that a thread has run. */
function ranOf(pid: number, thread: number): number {
  return Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "utf8").split(" ", 1)[0]);
}

/** Resident memory of a process in MB; NaN where there is no /proc. */
export function residentMegabytes({ pid }: Pick<Served, "pid">): number {
  try {
    return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) / 1000;
  } catch {
    return Number.NaN;
  }
}
