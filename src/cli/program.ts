// Makes the tree of commands. Every one of them has --json, and shows an example in its help.
import { Argument, Command } from "commander";
import { packageVersion } from "../node/package-root.ts";
import { COMMANDS } from "./commands.ts";
import { type CliContext, exitCodeLines, show } from "./context.ts";
import { defineCommand, defineLater } from "./define-command.ts";

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
      // `runCommand` says it.
      outputError: () => undefined,
    })
    .helpCommand(false);
  for (const [name, description, define] of COMMANDS)
    defineLater(program.command(name).description(description), define);
  addCompletion(program, context);
  addHelp(program);
  return program.hook("preSubcommand", (_, command) => defineCommand(command, context));
}

/** Defines all commands of a program or a group, for whoever wants to see the whole tree. */
export async function defineCommands(program: Command, context: CliContext): Promise<Command> {
  for (const command of program.commands) {
    await defineCommand(command, context);
    await defineCommands(command, context);
  }
  return program;
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

const COMPLETION_EXAMPLES = `
Examples:
  source <(touchstone completion bash)                                   # in ~/.bashrc
  touchstone completion zsh > ~/.zfunc/_touchstone                       # a folder of fpath
  touchstone completion fish > ~/.config/fish/completions/touchstone.fish`;

/** Here and not among the others, since it needs them all. */
function addCompletion(program: Command, context: CliContext): void {
  program
    .command("completion")
    .addArgument(new Argument("<shell>", "whose completion").choices(["bash", "zsh", "fish"]))
    .description("print the script that completes commands and options in a shell")
    .option("--json", "print one JSON value")
    .addHelpText("after", COMPLETION_EXAMPLES)
    .action(async (shell: "bash" | "zsh" | "fish", options: { json?: boolean }) => {
      const { completionFor } = await import("./completion.ts");
      const script = completionFor(shell, await defineCommands(program, context));
      show(context, options, { shell, script }, [script.trimEnd()]);
    });
}
