// Makes the tree of commands. Every one of them has --json, and shows an example in its help.
import { Argument, Command } from "commander";
import { packageVersion } from "../node/package-root.ts";
import { COMMANDS } from "./commands.ts";
import { type CliContext, exitCodeLines, show, UsageError } from "./context.ts";

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
  for (const [name, description] of COMMANDS) program.command(name).description(description);
  addCompletion(program, context);
  addHelp(program);
  return program.hook("preSubcommand", (_, command) => defineCommand(command, context));
}

/** Defines all commands of a program, for whoever wants to see the whole tree. */
export async function defineCommands(program: Command, context: CliContext): Promise<Command> {
  for (const command of program.commands) await defineCommand(command, context);
  return program;
}

/** Defines what a command takes and has below it, unless it is defined already. */
export async function defineCommand(command: Command, context: CliContext): Promise<void> {
  const define = COMMANDS.find(([name]) => name === command.name())?.[2];
  if (
    define === undefined ||
    command.parent?.parent != null ||
    command.options.length + command.commands.length > 0
  )
    return;
  await define(command, context);
  for (const leaf of leavesOf(command)) {
    leaf.option("--json", "print one JSON value");
    nameAllThatIsMissing(leaf);
  }
}

/** Every command that does something: those without commands below them, and those that have options of their own besides. */
function leavesOf(command: Command): Command[] {
  const below = command.commands.flatMap(leavesOf);
  return below.length === 0 || command.options.length > 0 ? [command, ...below] : below;
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

/** Marks the required options in the help, and where some are missing names all of them at once, not one after the other. */
function nameAllThatIsMissing(command: Command): void {
  const required = command.options.filter(({ mandatory }) => mandatory);
  for (const option of required) {
    option.makeOptionMandatory(false);
    option.description = `${option.description} (required)`;
  }
  command.hook("preAction", () => {
    const missing = required.filter((option) => command.getOptionValue(option.attributeName()) === undefined);
    if (missing.length > 0) throw new UsageError(`missing: ${missing.map(({ flags }) => flags).join(", ")}`);
  });
}
