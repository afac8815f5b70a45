// Runs the command line of this process.
import type { CliContext } from "./context.ts";
import { proxyingFetch } from "./proxy.ts";
import { runCommand } from "./run-command.ts";

/** @param argv as `process.argv`. Sets the exit code of the process. */
export async function run(argv: readonly string[]): Promise<void> {
  process.exitCode = await runCommand(argv.slice(2), processContext());
}

/** What a shell says of a program that SIGPIPE ended. */
const UNREAD = 141;

function processContext(): CliContext {
  const warn = (text: string) => say(process.stderr, text, () => undefined);
  return {
    environment: process.env,
    now: () => new Date(),
    fetch: proxyingFetch(process.env, warn),
    print: (text) => say(process.stdout, text, () => process.exit(UNREAD)),
    warn,
    // Asked only by a command that shows progress: opening a stream takes 3 ms, a tenth of a start.
    get interactive() {
      return process.stderr.isTTY === true;
    },
    confirm: async (question) => (await import("./ask-on-terminal.ts")).askOnTerminal(question),
  };
}

/** Node ignores SIGPIPE, and throws where a reader has left, as `head` does. Without a reader of output there is nothing left to do. */
function say(stream: NodeJS.WriteStream, text: string, onUnread: () => void): void {
  if (stream.listenerCount("error") === 0) {
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "EPIPE") throw error;
      onUnread();
    });
  }
  stream.write(`${text}\n`);
}
