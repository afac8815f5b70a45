// Runs one command line: refuses what must not be on it, and turns every error into a message and an exit code.
import { type Command, CommanderError } from "commander";
import { holdsPrivateKey } from "../protocol/encoding/private-key-text.ts";
import { type CliContext, describeError, EXIT, exitCodeOf, UsageError } from "./context.ts";
import { defineCommand } from "./define-command.ts";
import { createProgram } from "./program.ts";
import { withoutSecrets } from "./without-secrets.ts";

/**
 * Runs a command.
 * @param args what stands after `touchstone`.
 * @returns the exit code; everything that is to be said has been said.
 */
export async function runCommand(args: readonly string[], outside: CliContext): Promise<number> {
  const context = sayingNoSecrets(outside);
  try {
    requireNoKey(args);
    const program = createProgram(context);
    await requireKnownCommand(program, args, context);
    await program.parseAsync([...args], { from: "user" });
    return EXIT.good;
  } catch (error) {
    const { code, message, exitCode } = describeEnd(error);
    if (message !== "")
      context.warn(
        args.includes("--json") ? JSON.stringify({ error: { code, message } }) : `touchstone: ${message}`,
      );
    return exitCode;
  }
}

/** Whatever a message repeats of arguments, files and answers, a private key or a password is not in it. */
function sayingNoSecrets(outside: CliContext): CliContext {
  return {
    environment: outside.environment,
    now: outside.now,
    fetch: outside.fetch,
    confirm: outside.confirm,
    ...(outside.reportFolder && { reportFolder: outside.reportFolder }),
    get interactive() {
      return outside.interactive;
    },
    print: (text) => outside.print(withoutSecrets(text)),
    warn: (text) => outside.warn(withoutSecrets(text)),
  };
}

/** Before anything reads the arguments: what is on a command line stands in the shell's history and in the list of processes. */
function requireNoKey(args: readonly string[]): void {
  const at = args.findIndex(holdsPrivateKey);
  if (at === -1) return;
  const option = args.slice(0, at).findLast((arg) => arg.startsWith("-"));
  throw new UsageError(
    `a private key stands on the command line${option === undefined ? "" : ` (after ${option.split("=")[0]})`}: give the path of its file, or env:NAME. Others may have seen it by now`,
  );
}

/** Groups have no option with a value, so the first word that is none of their commands is meant to be one, also beside --help. */
async function requireKnownCommand(
  program: Command,
  args: readonly string[],
  context: CliContext,
): Promise<void> {
  let group = program;
  const words = args.filter((arg) => !arg.startsWith("-"));
  for (const word of words[0] === "help" ? words.slice(1) : words) {
    const known = group.commands.filter((command) => command.name() !== "help");
    if (known.length === 0) return;
    const found = known.find((command) => command.name() === word);
    if (found === undefined && group !== program && takesWord(group, word, args)) return;
    if (found === undefined) {
      const names = known.map((command) => command.name()).join(", ");
      const where = group === program ? "there is" : `${group.name()} has`;
      throw new UsageError(`${where} no command '${word}', but ${names}`);
    }
    await defineCommand(found, context);
    group = found;
  }
}

/** A command that does something itself may take words of its own, beside the commands below it: arguments, or values of options. */
function takesWord(group: Command, word: string, args: readonly string[]): boolean {
  if (group.options.length === 0) return false;
  return group.registeredArguments.length > 0 || args[args.indexOf(word) - 1] !== group.name();
}

function describeEnd(error: unknown): { code: string; message: string; exitCode: number } {
  if (!(error instanceof CommanderError)) return { ...describeError(error), exitCode: exitCodeOf(error) };
  if (error.exitCode === 0) return { code: "good", message: "", exitCode: EXIT.good };
  // Where a command is missing, its help has been shown.
  const message = error.code === "commander.help" ? "" : error.message.replace(/^error: /, "");
  return { code: "usage", message, exitCode: EXIT.usage };
}
