// Runs one command line: builds the program, parses the arguments, and turns what ended it into a line and an exit code.
import { CommanderError } from "commander";
import { type CliContext, describeError, EXIT, exitCodeOf } from "./context.ts";
import { createProgram } from "./program.ts";

/** @param argv as `process.argv`. Sets the exit code of the process. */
export async function run(argv: readonly string[]): Promise<void> {
  const context = processContext();
  try {
    await createProgram(context).parseAsync(argv);
  } catch (error) {
    process.exitCode = reportError(error, argv.includes("--json"), context);
  }
}

function processContext(): CliContext {
  return {
    environment: process.env,
    now: () => new Date(),
    fetch: globalThis.fetch,
    print: (text) => void process.stdout.write(`${text}\n`),
    warn: (text) => void process.stderr.write(`${text}\n`),
    // Asked only by a command that shows progress: opening a stream takes 3 ms, a tenth of a start.
    get interactive() {
      return process.stderr.isTTY === true;
    },
  };
}

/** Commander has shown its own errors already. @returns the exit code. */
function reportError(error: unknown, json: boolean, context: CliContext): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.good : EXIT.usage;
  const { code, message } = describeError(error);
  if (message !== "")
    context.warn(json ? JSON.stringify({ error: { code, message } }) : `touchstone: ${message}`);
  return exitCodeOf(error);
}
