// Runs a command of the program as `main.ts` does, inside the test, and gives back what it printed and how it ended.
import { CommanderError } from "commander";
import { type CliContext, describeError, EXIT, exitCodeOf } from "../../src/cli/context.ts";
import { createProgram } from "../../src/cli/program.ts";

export interface Ran {
  readonly exit: number;
  /** Standard output. */
  readonly printed: string;
  /** Standard error: progress and the error that ended it. */
  readonly warned: string;
}

export async function runCli(args: readonly string[], change: Partial<CliContext> = {}): Promise<Ran> {
  const printed: string[] = [];
  const warned: string[] = [];
  const context: CliContext = {
    environment: {},
    now: () => new Date(),
    fetch: globalThis.fetch,
    print: (text) => void printed.push(text),
    warn: (text) => void warned.push(text),
    interactive: false,
    ...change,
  };
  const exit = await createProgram(context)
    .parseAsync([...args], { from: "user" })
    .then(
      () => EXIT.good,
      (error: unknown) => {
        warned.push(describeError(error).message);
        if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.good : EXIT.usage;
        return exitCodeOf(error);
      },
    );
  return { exit, printed: printed.join("\n"), warned: warned.join("\n") };
}

/** The one JSON value that a command printed with --json. @throws Error when it did not end well. */
export async function jsonOf<T = Record<string, unknown>>(args: readonly string[]): Promise<T> {
  const { exit, printed, warned } = await runCli([...args, "--json"]);
  if (exit !== EXIT.good)
    throw new Error(`touchstone ${args.join(" ")} ended with ${exit}: ${warned} ${printed}`);
  return JSON.parse(printed) as T;
}
