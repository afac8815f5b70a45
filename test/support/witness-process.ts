// A witness as its operator runs it: `touchstone witness init`, a list of logs, and a process of `touchstone witness serve`.
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { runCli } from "./run-cli.ts";

const MAIN = join(import.meta.dirname, "../../src/cli/main.ts");

export interface WitnessProcess {
  readonly url: string;
  readonly pid: number;
  /** Lines of its log so far. */
  log(): ReadonlyArray<Record<string, unknown>>;
  /** Ends it, and resolves with its exit code, null where the signal killed it. */
  end(signal: NodeJS.Signals): Promise<number | null>;
}

/** @returns its verifier keys: one of Ed25519, one of ML-DSA-44. */
export async function initWitness(dir: string, name: string, logKeys: readonly string[]): Promise<string[]> {
  const made = await runCli(["witness", "init", dir, "--name", name, "--json"]);
  if (made.exitCode !== 0) throw new Error(made.warnings);
  writeFileSync(join(dir, "logs.txt"), `logs/v0\n${logKeys.map((key) => `vkey ${key}\n`).join("")}`);
  return made.json<{ verifierKeys: string[] }>().verifierKeys;
}

export async function serveWitness(dir: string, port = 0): Promise<WitnessProcess> {
  const args = ["witness", "serve", "--config", join(dir, "witness.toml"), "--port", String(port)];
  const child = spawn(process.execPath, ["--experimental-strip-types", MAIN, ...args]);
  const lines: string[] = [];
  const url = await firstLine(child, lines);
  return {
    url,
    pid: child.pid ?? 0,
    log: () => lines.filter((line) => line.startsWith("{")).map((line) => JSON.parse(line)),
    end: async (signal) => {
      const closed = once(child, "close");
      child.kill(signal);
      const [code] = (await closed) as [number | null];
      return code;
    },
  };
}

async function firstLine(child: ChildProcessWithoutNullStreams, lines: string[]): Promise<string> {
  let errors = "";
  let rest = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    errors += text;
  });
  return new Promise((resolve, reject) => {
    child.once("close", () => reject(new Error(`the witness ended: ${errors}`)));
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      const parts = (rest + text).split("\n");
      rest = parts.pop() ?? "";
      lines.push(...parts);
      const url = lines.find((line) => line.startsWith("http://"));
      if (url !== undefined) resolve(url);
    });
  });
}
