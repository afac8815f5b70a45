// Makes the tree of commands. Every one of them has --json, and shows an example in its help.
import { Command } from "commander";
import { packageVersion } from "../node/package-root.ts";
import { COMMANDS } from "./commands.ts";
import { type CliContext, exitCodeLines } from "./context.ts";

/** The program with the names of its commands: what a command takes is defined when it is called or asked for its help. */
export function createProgram(context: CliContext): Command {
  const program = new Command("touchstone")
    .description("A transparency log for confidential-computing reference values")
    .version(packageVersion(), "-V, --version")
    .addHelpText("after", `\n${exitCodeLines().join("\n")}`)
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({
      writeOut: (text) => context.print(text.trimEnd()),
      writeErr: (text) => context.warn(text.trimEnd()),
    })
    .helpCommand(false);
  for (const [name, description] of COMMANDS) program.command(name).description(description);
  addHelp(program);
  return program.hook("preSubcommand", (_, command) => defineCommand(command, context));
}

/** Defines all commands of a program, for whoever wants to see the whole tree. */
export async function defineCommands(program: Command, context: CliContext): Promise<Command> {
  for (const command of program.commands) await defineCommand(command, context);
  return program;
}

async function defineCommand(command: Command, context: CliContext): Promise<void> {
  const define = COMMANDS.find(([name]) => name === command.name())?.[2];
  if (define === undefined) return;
  await define(command, context);
  for (const leaf of leavesOf(command)) leaf.option("--json", "print one JSON value");
}

function leavesOf(command: Command): Command[] {
  return command.commands.length === 0 ? [command] : command.commands.flatMap(leavesOf);
}

/** Commander's own help command does not define what it shows. */
function addHelp(program: Command): void {
  program
    .command("help [command...]")
    .description("show the help of a command")
    .action(async (names: string[]) => {
      await program.parseAsync([...names, "--help"], { from: "user" });
    });
}
