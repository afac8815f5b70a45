// Asks the person at the terminal whether to go on.
import { createInterface } from "node:readline/promises";

/** Whether the answer is yes. Where nobody can be asked, whoever wrote the script has said so already. */
export async function askOnTerminal(question: string): Promise<boolean> {
  if (process.stdin.isTTY !== true || process.stderr.isTTY !== true) return true;
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y(?:es)?$/i.test((await terminal.question(`${question} [y/N] `)).trim());
  } finally {
    terminal.close();
  }
}
