// Runs the command line of this process.
import type { CliContext } from "./context.ts";
import { proxyingFetch } from "./proxy.ts";
import { runCommand } from "./run-command.ts";

/** @param argv as `process.argv`. Sets the exit code of the process. */
export async function run(argv: readonly string[]): Promise<void> {
  process.exitCode = await runCommand(argv.slice(2), processContext());
}

function processContext(): CliContext {
  const warn = (text: string) => void process.stderr.write(`${text}\n`);
  return {
    environment: process.env,
    now: () => new Date(),
    fetch: proxyingFetch(process.env, warn),
    print: (text) => void process.stdout.write(`${text}\n`),
    warn,
    // Asked only by a command that shows progress: opening a stream takes 3 ms, a tenth of a start.
    get interactive() {
      return process.stderr.isTTY === true;
    },
    confirm: async (question) => (await import("./ask-on-terminal.ts")).askOnTerminal(question),
  };
}
