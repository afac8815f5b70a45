#!/usr/bin/env node
// The program `touchstone`: one file for each command beside this one.
import { CommanderError } from "commander";
import { describeError, EXIT, exitCodeOf } from "./context.ts";
import { createProgram } from "./program.ts";

const context = {
  environment: process.env,
  now: () => new Date(),
  fetch: globalThis.fetch,
  print: (text: string) => void process.stdout.write(`${text}\n`),
  warn: (text: string) => void process.stderr.write(`${text}\n`),
  interactive: process.stderr.isTTY === true,
};

try {
  await createProgram(context).parseAsync(process.argv);
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? EXIT.good : EXIT.usage;
  else {
    const { code, message } = describeError(error);
    if (message !== "") {
      const json = process.argv.includes("--json");
      context.warn(json ? JSON.stringify({ error: { code, message } }) : `touchstone: ${message}`);
    }
    process.exitCode = exitCodeOf(error);
  }
}
