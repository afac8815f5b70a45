// Runs a command as main.ts does, with everything from outside replaced: it is NOW, there is no network, and nobody looks on.
import type { CliContext } from "../../src/cli/context.ts";
import { runCommand } from "../../src/cli/run-command.ts";
import { NOW } from "./clock.ts";

export interface CliRun {
  readonly exitCode: number;
  /** Standard output. */
  readonly output: string;
  /** Standard error: warnings, progress, and the error that ended it. */
  readonly warnings: string;
  /** The one JSON value of --json. */
  json<T = Record<string, unknown>>(): T;
}

export async function runCli(args: readonly string[], change: Partial<CliContext> = {}): Promise<CliRun> {
  const printed: string[] = [];
  const warned: string[] = [];
  const context: CliContext = {
    environment: {},
    now: () => NOW,
    fetch: () => Promise.reject(new Error("this test has no network")),
    print: (text) => void printed.push(text),
    warn: (text) => void warned.push(text),
    interactive: false,
    confirm: async () => true,
    ...change,
  };
  const exitCode = await runCommand(args, context);
  const output = printed.join("\n");
  return { exitCode, output, warnings: warned.join("\n"), json: () => JSON.parse(output) };
}
